/** Caches, branch predictors and the mempool's cache settle within this time. */
export const warmUpMs = 300
/** Many short rounds beat a long one: what disturbs a machine disturbs it for seconds. */
export const windowMs = 700
