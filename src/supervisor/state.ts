/**
 * - idle: nothing has been started yet
 * - starting: a worker is spawned and not yet forwarding
 * - running: the rule list is in force on every lcore
 * - waiting: the worker is dead; the next one starts after the back-off
 * - stopping: asked to end, the worker drains
 * - stopped: the worker is reaped, the last counters are read
 */
export const supervisorStates = ['idle', 'starting', 'running', 'waiting', 'stopping', 'stopped'] as const
export type SupervisorState = (typeof supervisorStates)[number]
