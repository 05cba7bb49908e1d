/** What an engine can, for whoever asks it for more than text. What it cannot is left out of what a transcript says of itself. */
export interface EngineCapabilities {
  /** Whether each word has its times. `some`: it depends on the server or the program. */
  readonly wordTimes: 'yes' | 'some' | 'no';
  /** Whether it takes the language that is spoken; it is heard all the same where it does not. */
  readonly language: boolean;
  /** Whether it finds out the language and says which it was. */
  readonly detectsLanguage: boolean;
  readonly prompt: boolean;
  readonly hotwords: boolean;
  /** Whether it heeds `fromSeconds`, `toSeconds` and `onCheckpoint` of a request; else it hears all of the audio, whatever is asked. */
  readonly parts: boolean;
  /** Whether it takes other options of decoding. */
  readonly decoding: boolean;
  /** `reckoned`: positions may be told by the clock; that they rise does not say that it works. */
  readonly positions: 'heard' | 'reckoned';
}

export const WHISPER_CAPABILITIES: EngineCapabilities = {
  wordTimes: 'yes',
  language: true,
  detectsLanguage: true,
  prompt: true,
  hotwords: true,
  parts: true,
  decoding: true,
  positions: 'heard',
};
