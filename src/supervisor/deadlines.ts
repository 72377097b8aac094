/*
 * Every deadline of the supervisor. Asking, waiting and killing together stay below the 2 s in which a stop
 * must end, and far below a pod's default grace period of 30 s.
 */

/** EAL with 1 GiB of 2 MiB pages takes about 1 s, every VF about 0.5 s more; a stuck firmware takes for ever. */
export const START_DEADLINE_MS = 30_000

/**
 * A swap waits for one burst of every lcore: milliseconds. Before it the list is compiled, which the prover had 20 s for; a
 * worker whose CPUs are short may take some times that. Lcores that stand still are the watchdog's business.
 */
export const RULES_DEADLINE_MS = 90_000

/**
 * Draining takes one turn of the rings, closing a VF about 0.3 s: enough for about 3 VFs, and as much as 2 s allow. With
 * more the worker may get SIGKILL while it closes the last ones. Nothing is lost by that: lcores have stopped and the
 * counters are in the supervisor's file, the tap is the pod's and stays, and the kernel resets VFs and frees hugepages.
 */
export const STOP_DEADLINE_MS = 1_300

/** The worker has said `stopped` and only has to exit. */
export const EXIT_AFTER_STOPPED_MS = 300

/** SIGKILL cannot be ignored; a process that is still there after this hangs in the kernel, and we do not wait. */
export const KILL_DEADLINE_MS = 400

/** The channel of a worker that exits closes just before the exit is seen; one that is not even exiting after this hung up on us. */
export const HANG_UP_GRACE_MS = 250

/** A dead worker's last lines and messages are still in the pipes; something that inherited them may never close. */
export const DRAIN_DEADLINE_MS = 200

/** Hugepages come back with the process's memory, except those a device or vhost thread still holds for a moment. */
export const HUGEPAGES_DEADLINE_MS = 2_000
export const HUGEPAGES_POLL_MS = 20

/** npm and the terminal's group both deliver one Ctrl-C: a second SIGINT counts only after this. */
export const SAME_CTRL_C_MS = 500

/** What the supervisor samples for rates; the worker reads those of the device every 250 ms. */
export const SAMPLE_INTERVAL_MS = 1_000
