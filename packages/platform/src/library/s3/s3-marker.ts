import { randomBytes } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { base32 } from '@podctl/domain/ids.ts';
import { s3PlaceName } from '../../config/s3-place.ts';
import { LibraryError } from '../../library.ts';
import { decodeMarker, encodeMarker, MARKER_NAME } from '../library-marker.ts';
import type { S3Access } from './s3-access.ts';
import { isMissing, isTaken, isUnsupported } from './s3-errors.ts';

const MARKER_BYTES_MAX = 4_096;

/** The id in the marker. Rejects with `LibraryError` `offline` when it is not there, is not ours, or cannot be read. */
export async function readS3Marker(access: S3Access): Promise<string> {
  const text = await markerText(access);
  if (text === null)
    throw new LibraryError(
      'offline',
      `${s3PlaceName(access.place)} has no marker ${MARKER_NAME}: is library.url right?`,
    );
  const id = decodeMarker(text);
  if (id !== null) return id;
  throw new LibraryError(
    'offline',
    `${MARKER_NAME} in ${s3PlaceName(access.place)} is not the marker of a library of version 1`,
  );
}

/** Null: there is none. */
async function markerText(access: S3Access): Promise<string | null> {
  return access.io(MARKER_NAME, async () => {
    try {
      const range = `bytes=0-${MARKER_BYTES_MAX - 1}`;
      const of = { ...access.at(MARKER_NAME), Range: range };
      const { Body } = await access.client.send(new GetObjectCommand(of));
      return (await Body?.transformToString()) ?? '';
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  });
}

/** Makes a library where nothing lies yet, and gives its id. Rejects with `LibraryError` `refused` where something does. */
export async function createS3Library(access: S3Access): Promise<string> {
  const { bucket: Bucket, prefix: Prefix } = access.place;
  const id = base32(randomBytes(10));
  await access.io(MARKER_NAME, async () => {
    const list = new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 });
    const { Contents = [] } = await access.client.send(list);
    const other = Contents[0]?.Key;
    if (other !== undefined)
      throw new LibraryError(
        'refused',
        `${s3PlaceName(access.place)} is not empty (it holds ${access.pathOf(other)}); name an empty prefix for a new library`,
      );
    await putMarker(access, encodeMarker(id));
  });
  return id;
}

/** Where the store knows conditions, the second of two that make one at the same time fails. */
async function putMarker(access: S3Access, text: string): Promise<void> {
  const put = (condition: { IfNoneMatch?: string }) =>
    access.client.send(
      new PutObjectCommand({
        ...access.at(MARKER_NAME),
        ...condition,
        Body: text,
        ContentType: 'application/json',
      }),
    );
  try {
    await put({ IfNoneMatch: '*' });
  } catch (error) {
    if (isTaken(error))
      throw new LibraryError(
        'refused',
        `${s3PlaceName(access.place)} holds a library already; open it instead`,
        error,
      );
    if (!isUnsupported(error)) throw error;
    await put({});
  }
}
