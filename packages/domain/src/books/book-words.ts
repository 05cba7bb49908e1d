/** English, all of it in small letters: what a talk about books is known by (docs/books.md). */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** What a book is called. */
export const BOOK_NOUNS = words(
  'book novel memoir biography autobiography novella thriller trilogy bestseller paperback hardcover',
);
/** Their company: where one of these is said, a name and an author are likely a book's. */
export const BOOK_COMPANY = words(
  'books novels memoirs author authors novelist novelists bestselling best-selling paperback hardcover publisher bookshop bookstore reread must-read reader readers literary fiction nonfiction chapters',
);
export const READ_VERBS = words('read reading reread rereading finished devoured');
export const RECOMMEND_VERBS = words(
  'recommend recommends recommended recommending recommendation recommendations',
);
/** Beside a book they say that it is a good one. */
export const PRAISE = words(
  'recommend recommends recommended recommending recommendation recommendations must-read favorite favorites favourite favourites loved adored enjoyed unputdownable masterpiece wonderful brilliant gorgeous',
);
export const CALLED = words('called titled entitled named');
/** Before a kind of book, they make the name after it its title. */
export const OWNERS = words(
  "his her their my your our the this that a new newest latest first second third debut next great favorite favourite wonderful brilliant upcoming recent bestselling best-selling author's",
);

/** "Book" after one of these is what one does, or another thing. */
export const NO_BOOK_AFTER = words(
  "to you we they i can could should would will you'll i'll we'll they'll he'll she'll please let's must might don't didn't cannot can't face phone address rule record mac note check cheque coupon play black match score log hand guest",
);
/** "Book" before one of these, or within a few words of a thing that is booked. */
export const BOOKED = words(
  'flight flights hotel hotels room rooms table tables ticket tickets trip trips tour tours appointment appointments call stay stays cruise cruises seat seats car vacation holiday holidays reservation reservations consultation session sessions demo cabin airbnb train trains gig gigs online through via early ahead direct value keeping keeper makers maker',
);
/** Two words before "book" or "books" that make it a figure of speech. */
export const IDIOMS: ReadonlySet<string> = new Set([
  ...['by the', 'in my', 'on the', 'off the', 'hit the', 'close the', 'closed the', 'open the'],
  ...[
    'cook the',
    'cooked the',
    'cooking the',
    'an open',
    'trick in the',
    'throw the',
    'balance the',
  ],
]);
/** "Novel" before one of these only means new. */
export const NEW_THINGS = words(
  'approach approaches coronavirus virus viruses strain idea ideas way ways method methods technique techniques drug drugs therapy concept solution solutions use uses finding findings form design',
);
/** A name and who made it, but no book, when one of these is nearer than a book. */
export const OTHER_WORKS = words(
  'song songs track tracks album albums single film films movie movies painting paintings episode podcast opera symphony concerto sculpture recipe cover directed produced hosted performed composed sung game',
);
/** Somebody pays for what is said around these. */
export const ADVERT = words(
  'sponsor sponsors sponsored promo checkout discount audible.com coupon advertiser advertisers',
);

/** Within a title, between names. */
export const TITLE_JOINERS = words(
  'of the and a an in to for on with from at or is who how de van von der den la le du da di del',
);
/** Within a person's name. */
export const NAME_PARTICLES = words('de van von der den la le du da di del bin al ibn st');
/** A capital at the beginning of a sentence tells nothing: these begin no name. */
export const NO_NAME_START = words(
  "i i'm i've i'd i'll and but so then also yeah yes no oh okay ok well now read reading try get grab check pick next first second finally my your we he she they it it's its this that you if when because",
);
/** Nor these a title. */
export const NO_TITLE_START: ReadonlySet<string> = new Set([
  ...NO_NAME_START,
  ...words(
    'monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december amazon twitter facebook instagram youtube google',
  ),
]);
/** Between a kind of book and its title. */
export const TITLE_FILLERS = words("is was are it's that's the a an this of reading you that out");
