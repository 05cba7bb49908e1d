import type { S3Place } from '../../config/s3-place.ts';
import type { DirectAccess } from '../direct-access.ts';
import { S3Access } from './s3-access.ts';
import { S3Direct } from './s3-direct.ts';
import { openS3Library, type S3Library } from './s3-library.ts';
import { createS3Library } from './s3-marker.ts';

/** A library in a bucket, opened or made. */
export interface Bucket {
  /** Rejects with `LibraryError` `offline`. */
  open(expectedId: string | null): Promise<S3Library>;
  /** Gives the new one's id. Rejects with `LibraryError`. */
  make(): Promise<string>;
  directTo(library: S3Library): DirectAccess;
}

/** Loads the S3 client, a fifth of a second and 40 MB: to be imported where a bucket is used and not before. */
export function openS3(place: S3Place): Bucket {
  const access = new S3Access(place);
  return {
    open: (expectedId) => openS3Library(access, expectedId),
    make: () => createS3Library(access),
    directTo: (library) => new S3Direct(library),
  };
}
