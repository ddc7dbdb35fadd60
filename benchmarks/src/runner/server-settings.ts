/** Everything that is not the server's own default, beside what its starter (src/demo/mariadb-server.ts, or that of the tests) sets; printed with the results. */
export const SERVER_SETTINGS: readonly string[] = ['--max-connections=4000', '--back-log=4000'];
