/** The exit codes of the command. */

/** What the command ends with; docs/cli.md lists them. */
export const EXIT = {
  /** Done; what was asked about is fine. */
  ok: 0,
  /** What was asked about is not fine: a problem was found, the process is not ready, the work failed. */
  failed: 1,
  /** The command was called wrongly, or an option is invalid. */
  wrongCall: 2,
  /** The running process could not be asked: it does not answer, or the token is not its token. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
