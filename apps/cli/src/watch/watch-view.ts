/** What the table shows; their keys are 1 to 5, in this order. */
export const VIEWS = ['feeds', 'agents', 'jobs', 'events', 'locks'] as const;
export type View = (typeof VIEWS)[number];
