/** How many rules that are in no list any more keep series of their own; what older ones counted goes on as one. */
export const mostGoneRules = 256

/** The label of what those counted together; no rule can have this name. */
export const goneRule = '(gone)'
