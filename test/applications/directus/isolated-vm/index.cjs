/** Nothing: extensions in a sandbox cannot run. */
module.exports = {};
