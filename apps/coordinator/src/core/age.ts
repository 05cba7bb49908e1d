/**
 * How long something has lasted, coarsely, so that a sentence with it is not a new one at each look: in steps of ten
 * seconds (five at first), then in minutes.
 */
export function ageWords(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds >= 60) return `${Math.floor(seconds / 60)} min`;
  return `${seconds < 10 ? Math.floor(seconds / 5) * 5 : Math.floor(seconds / 10) * 10} s`;
}
