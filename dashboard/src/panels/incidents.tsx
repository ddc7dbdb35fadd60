/** The incidents of a pool: what was wrong from when to when, whom it hit, and who held the connections then. */

import { type Incident, wordsOnIncident } from '../../../src/monitor/verdict/index.js';
import { amount, capitalised, duration } from '../format.js';
import { useTimeline } from '../timeline.js';
import { Panel } from './panel.js';

interface IncidentsProps {
  readonly incidents: readonly Incident[];
  readonly now: number;
  readonly wide: boolean;
}

export function Incidents({ incidents, now, wide }: IncidentsProps) {
  const { zoomToIncident } = useTimeline();
  return (
    <Panel title="Incidents" wide={wide} steady>
      <ol className="log incidents" tabIndex={0} aria-label="Incidents, the last first">
        {incidents.map((incident) => (
          <li key={incident.id}>
            <Summary incident={incident} now={now} />{' '}
            <button type="button" className="link-like" onClick={() => zoomToIncident(incident)}>
              Show in the charts
            </button>
            <Facts incident={incident} />
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Summary({ incident, now }: { readonly incident: Incident; readonly now: number }) {
  const { begin, end, status } = incident;
  return (
    <>
      <span className={`tag ${end === null ? status : 'over'}`}>{end === null ? `${status}, lasts` : 'over'}</span>{' '}
      {capitalised(wordsOnIncident(incident, now))} <span className="note">({duration((end ?? now) - begin)})</span>
    </>
  );
}

function Facts({ incident: { error, holders, mostWaiting, returned } }: { readonly incident: Incident }) {
  const facts = [
    ...(error === null ? [] : [error]),
    ...(mostWaiting === 0 ? [] : [`At most ${amount(mostWaiting)} waited at the same time.`]),
    ...(returned === 0 ? [] : [`It came back ${amount(returned)} times within a minute.`]),
  ];
  if (facts.length + holders.length === 0) return null;
  return (
    <details>
      <summary>Details</summary>
      {facts.map((fact) => (
        <p key={fact}>{fact}</p>
      ))}
      {holders.length === 0 ? null : (
        <ul>
          {holders.map(({ place, work, count, heldMs }) => (
            <li key={`${place} ${work}`}>
              {count} × {place === null ? 'borrower' : <code>{place}</code>}, for up to {duration(heldMs)}: <code>{work}</code>
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}
