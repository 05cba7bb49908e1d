/** In the order of weight: what is gone, what was passed over by rule, what was read all the same. */
export const FEED_PROBLEM_KINDS = ['lost', 'left_out', 'repaired'] as const;
export type FeedProblemKind = (typeof FEED_PROBLEM_KINDS)[number];

/** One thing that a document made us lose, leave out or mend. */
export interface FeedProblem {
  readonly kind: FeedProblemKind;
  /** A clause for people, with its count in words. It holds nothing that could be a secret. */
  readonly message: string;
  /** How often; 1 for what concerns the document as a whole. */
  readonly count: number;
  /** Where the first one is, such as `item 3, line 52`; null where there is no place. */
  readonly place: string | null;
}

/** Problems that a feed's record keeps of one reading. */
export const FEED_PROBLEMS_MAX = 20;
const TEXT_LENGTH_MAX = 300;

/** What is kept: the weightiest first, each in the order told, bounded in number and length. */
export function keptProblems(problems: readonly FeedProblem[]): readonly FeedProblem[] {
  const weight = (problem: FeedProblem) => FEED_PROBLEM_KINDS.indexOf(problem.kind);
  return [...problems]
    .sort((a, b) => weight(a) - weight(b))
    .slice(0, FEED_PROBLEMS_MAX)
    .map((problem) => ({
      ...problem,
      message: problem.message.slice(0, TEXT_LENGTH_MAX),
      place: problem.place?.slice(0, TEXT_LENGTH_MAX) ?? null,
    }));
}
