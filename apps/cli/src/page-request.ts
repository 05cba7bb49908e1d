/** One page of a list. */
export interface PageRequest {
  /** 1 to 1,000; 0 means 1,000. */
  readonly pageSize: number;
  /** Empty to begin. */
  readonly pageToken: string;
}
