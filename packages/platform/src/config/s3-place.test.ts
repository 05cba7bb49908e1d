import { expect, test } from 'vitest';
import { formatS3Url, parseS3Place, s3PlaceName } from './s3-place.ts';

test.each([
  ['s3://bucket', { bucket: 'bucket', prefix: '', endpoint: null, region: null, pathStyle: false }],
  [
    's3://my.bucket/a/b-c_d?region=eu-central-1',
    {
      ...{ bucket: 'my.bucket', prefix: 'a/b-c_d/', endpoint: null },
      ...{ region: 'eu-central-1', pathStyle: false },
    },
  ],
  [
    's3://bucket/a/?endpoint=https://minio.example:9000/&region=us-east-1',
    {
      ...{ bucket: 'bucket', prefix: 'a/', endpoint: 'https://minio.example:9000' },
      ...{ region: 'us-east-1', pathStyle: true },
    },
  ],
  [
    's3://bucket?style=virtual&endpoint=https://r2.example',
    {
      ...{ bucket: 'bucket', prefix: '', endpoint: 'https://r2.example' },
      ...{ region: null, pathStyle: false },
    },
  ],
])('%s names a bucket, and is written as it is read', (url, place) => {
  expect(parseS3Place(url)).toEqual(place);
  expect(parseS3Place(formatS3Url(place))).toEqual(place);
});

test.each([
  's3://',
  's3://UPPER/x',
  's3://bucket/../other',
  's3://bucket/.hidden',
  's3://bucket//a',
  's3://bucket?endpoint=https://user:secret@host',
  's3://bucket?endpoint=https://host/path',
  's3://bucket?secret=x',
  's3://key:secret@bucket/x',
  'file:/x',
])('%s is refused: it is no place, or has a secret in it', (url) => {
  expect(parseS3Place(url)).toBeNull();
});

test('a person reads it without its defaults', () => {
  const place = parseS3Place('s3://bucket/a?endpoint=http://127.0.0.1:9000&region=x');
  expect(place && s3PlaceName(place)).toBe('s3://bucket/a/ at http://127.0.0.1:9000');
});
