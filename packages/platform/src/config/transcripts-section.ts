import { flag } from './setting.ts';

/** `transcripts`: what is done with those that feeds offer. */
export const transcriptsShape = {
  keepPublisher: flag(
    true,
    'Whether a transcript that the feed offers (`podcast:transcript`) is fetched with the audio and kept beside it ([publisher-transcripts.md](publisher-transcripts.md)).',
  ),
  preferPublisher: flag(
    false,
    'Whether a kept transcript with times is taken in the place of the engine’s, where a sample of what the engine hears agrees with it.',
  ),
};
