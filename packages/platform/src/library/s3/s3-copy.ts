import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type HeadObjectCommandOutput,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { LibraryError } from '../../library.ts';
import type { S3Access } from './s3-access.ts';

const PARTS_AT_ONCE = 4;

/**
 * Copies an object within the store, with its metadata; its bytes do not pass through here. Only the very object that was
 * looked at is copied: one that took its place meanwhile is not. What is larger than a copy may be is copied in parts.
 */
export async function copyObject(
  access: S3Access,
  from: string,
  to: string,
  head: HeadObjectCommandOutput,
): Promise<void> {
  const source = {
    CopySource: encodeURI(`${access.place.bucket}/${access.keyOf(from)}`)
      .replaceAll('+', '%2B')
      .replaceAll('?', '%3F')
      .replaceAll('#', '%23'),
    ...(head.ETag === undefined ? {} : { CopySourceIfMatch: head.ETag }),
  };
  const sizeBytes = head.ContentLength ?? 0;
  await access.io(from, async () => {
    if (sizeBytes > access.sizes.copyBytes) return copyInParts(access, source, to, head);
    await access.client.send(new CopyObjectCommand({ ...access.at(to), ...source }));
  });
}

async function copyInParts(
  access: S3Access,
  source: { readonly CopySource: string; readonly CopySourceIfMatch?: string },
  to: string,
  { ContentLength: sizeBytes = 0, Metadata }: HeadObjectCommandOutput,
): Promise<void> {
  const { client } = access;
  const { copyBytes } = access.sizes;
  const begin = { ...access.at(to), ...(Metadata === undefined ? {} : { Metadata }) };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(begin));
  if (UploadId === undefined)
    throw new LibraryError('io', `${to} could not be begun: the store gave no upload id`);
  const of = { ...access.at(to), UploadId };
  try {
    const parts: CompletedPart[] = [];
    const count = Math.ceil(sizeBytes / copyBytes);
    const copyOne = async (PartNumber: number) => {
      const start = (PartNumber - 1) * copyBytes;
      const end = Math.min(start + copyBytes, sizeBytes) - 1;
      const CopySourceRange = `bytes=${start}-${end}`;
      const part = { ...of, ...source, PartNumber, CopySourceRange };
      const { CopyPartResult } = await client.send(new UploadPartCopyCommand(part));
      parts.push({ ...CopyPartResult, PartNumber });
    };
    for (let first = 1; first <= count; first += PARTS_AT_ONCE) {
      const numbers = Array.from({ length: Math.min(PARTS_AT_ONCE, count - first + 1) });
      await Promise.all(numbers.map((_, i) => copyOne(first + i)));
    }
    const Parts = parts
      .sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
      .map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await client.send(new CompleteMultipartUploadCommand({ ...of, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(of)).catch(() => undefined);
    throw error;
  }
}
