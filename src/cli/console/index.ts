/** The command line: options, exit codes, the terminal, the address of a monitoring server. */

export {
  type Call,
  type CommandSpec,
  type CommandOption,
  type CommandOptions,
  defineCommand,
  parseCall,
  UsageError,
  usageOf,
} from './command.js';
export { EXIT, type ExitCode } from './exit-codes.js';
export { MonitoringAddress, Unreachable } from './monitoring-address.js';
export { describeError, shown, Terminal } from './terminal.js';
