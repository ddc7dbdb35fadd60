/** The answers of the monitoring server by procedure: from these types the description of its API is made. */
import type { LiveSnapshot, MonitoringServerRouter } from '../../../src/monitor/api/router.js';
import type { LivenessReport, ReadinessReport } from '../../../src/monitor/api/reports.js';

type Procedures = MonitoringServerRouter['monitoring'];

/** What each procedure answers; `live`: what each of its events is. */
export type Answers = {
  readonly [Name in keyof Procedures as Procedures[Name] extends { _def: { $types: unknown } } ? Name : never]: Name extends 'live'
    ? LiveSnapshot
    : Procedures[Name] extends { _def: { $types: { output: infer Output } } }
      ? Output
      : never;
};

/** What `/readyz` answers to a client with the token. */
export type Readiness = ReadinessReport;

/** What `/healthz` answers to a client with the token. */
export type Liveness = LivenessReport;
