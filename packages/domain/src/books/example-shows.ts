import type { TranscriptSegment } from '../transcript/transcript.ts';

const WORD_SECONDS = 0.4;

/** A text as an engine would give it: a segment a sentence, words without times of their own. */
export function spoken(text: string): TranscriptSegment[] {
  let atSeconds = 0;
  return text
    .split(/(?<=[.!?]["”]?)\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')
    .map((sentence) => {
      const startSeconds = atSeconds;
      atSeconds += sentence.split(/\s+/).length * WORD_SECONDS;
      return {
        startSeconds,
        endSeconds: atSeconds,
        text: ` ${sentence}`,
        avgLogprob: null,
        noSpeechProbability: null,
        words: [],
      };
    });
}

export function secondsOf(segments: readonly TranscriptSegment[]): number {
  return segments.at(-1)?.endSeconds ?? 0;
}

/** Written for these tests; titles and names are made up, but for a few that everybody knows. */
export const BOOK_SHOW = `
Welcome back to The Second Shelf, where two friends talk about what they have been reading.
Last week I finished The Salt Road by Marta Lindqvist, and I have not stopped thinking about it.
It is a quiet book, and I recommend it to everyone who has ever moved house.
My guest today is Theo Abara, author of The Glass Orchard, and he brought a whole pile.
Theo, what should we read first?
Well, there is a novel called A Winter Without Maps by June Okafor that I loved.
It is about two sisters who run a lighthouse.
Then I would say her memoir, Small Engines, which came out in the spring.
I always recommend Middlemarch to people who say they have no time for long novels.
If you like crime, try "The Ninth Harbor" by Paul Ferreira, it is unputdownable.
And for the children there is a picture book by Lena Voss, the one with the whale.
The book is called Tell the Tide, and the drawings are wonderful.
We also got a letter from a listener who read Dune by Frank Herbert three times this year.
That is my kind of reader.
Next month we will talk about his first novel, The Copper Year.
`;

export const NEWS_SHOW = `
Good morning, it is Tuesday the ninth of May, and these are the headlines.
A statement by President Albright said that the talks in Geneva would go on through Friday.
The senator told reporters that he goes by the book, and that the inquiry would be open.
Shares of Northern Rail fell by nine percent after a report by Standard Analytics.
The company closed the books on a difficult quarter, and its auditors signed off on the record.
A novel approach to the drought was presented by Doctor Elena Ruiz of the University of Leeds.
On Facebook, the mayor posted a photograph by Anna Berg that was read by thousands.
The new bridge, designed by Carlos Mendes, will open in June.
In sport, a goal by Marcus Hale gave United the match.
Police arrested two men who, in the words of the judge, had tried every trick in the book.
`;

export const TRAVEL_SHOW = `
Today we plan ten days in Portugal, and the first thing is to book a flight early.
I booked mine in March, and I booked a hotel called Casa Branca by the river.
You can book the train online, or book your seats at the station.
Please book a table at Mar Azul, the fish there is great, and I recommend the octopus.
If you book through Sunny Trips by Nordic Travel you get breakfast.
We recommend Lisbon for the first three nights, then Porto by train.
Our driver, Tomas, knows every road by heart, and he is fully booked until August.
Do not forget to book tours ahead, since the good ones are gone by noon.
`;

export const ADVERT_SHOW = `
This episode is brought to you by Audible, where you can hear The Silent Coast by Nora Field.
Start your free trial today and pick the new novel by David Crane for nothing.
Use code SHELF at checkout and get a best-selling book called Better Mornings by Ed Lyle.
Our sponsors make this show possible, and their favorite book is Sleep Deep by Amy Rhodes.
Get twenty percent off with promo code NIGHT, and read Mattress Wisdom by Hugo Lane.
`;

export const MUSIC_SHOW = `
That was Blue Hours by The Paper Kites, from an album that came out in nineteen ninety eight.
The next song is River Stone by Alice Marsh, and then a track called Undertow by Hollow Pines.
The film Night Ferry, directed by Oskar Lund, used it for its last scene.
`;
