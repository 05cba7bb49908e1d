/** Which bucket, and which part of it, holds a library. There is no secret in it: credentials are found as every AWS tool finds them. */
export interface S3Place {
  readonly bucket: string;
  /** Keys begin so: empty, or with a `/` at its end. */
  readonly prefix: string;
  /** Null: Amazon's, for the region. */
  readonly endpoint: string | null;
  /** Null: from AWS_REGION or the AWS configuration. */
  readonly region: string | null;
  /** `https://host/bucket/key` in place of `https://bucket.host/key`. */
  readonly pathStyle: boolean;
}

const QUERY = String.raw`endpoint=https?:\/\/[A-Za-z0-9.:[\]-]{1,255}\/?|region=[a-z0-9-]{1,40}|style=(?:path|virtual)`;

/** `s3://bucket/prefix?endpoint=https://host:port&region=name&style=path`; all but the bucket may be left out. */
export const S3_URL = new RegExp(
  String.raw`^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}){0,8}\/?)(?:\?(?:${QUERY})(?:&(?:${QUERY})){0,2})?$`,
);

/** Null for what `S3_URL` does not take. */
export function parseS3Place(url: string): S3Place | null {
  if (!S3_URL.test(url)) return null;
  const [place = '', query = ''] = url.slice('s3://'.length).split('?');
  const [bucket = '', ...folders] = place.split('/').filter((part) => part !== '');
  const fields = new Map(query.split('&').map((field) => pairOf(field)));
  const endpoint = fields.get('endpoint')?.replace(/\/$/, '') ?? null;
  const style = fields.get('style') ?? (endpoint === null ? 'virtual' : 'path');
  return {
    bucket,
    prefix: folders.map((folder) => `${folder}/`).join(''),
    endpoint,
    region: fields.get('region') ?? null,
    pathStyle: style === 'path',
  };
}

/** The inverse of `parseS3Place`. */
export function formatS3Url({ bucket, prefix, endpoint, region, pathStyle }: S3Place): string {
  const isUsual = pathStyle === (endpoint !== null);
  const fields = [
    ...(endpoint === null ? [] : [`endpoint=${endpoint}`]),
    ...(region === null ? [] : [`region=${region}`]),
    ...(isUsual ? [] : [`style=${pathStyle ? 'path' : 'virtual'}`]),
  ];
  const query = fields.length === 0 ? '' : `?${fields.join('&')}`;
  return `s3://${bucket}/${prefix}${query}`;
}

/** As a person writes it, without the endpoint's defaults. */
export function s3PlaceName({ bucket, prefix, endpoint }: S3Place): string {
  const at = endpoint === null ? '' : ` at ${endpoint}`;
  return `s3://${bucket}/${prefix}${at}`;
}

function pairOf(field: string): readonly [string, string] {
  const at = field.indexOf('=');
  return [field.slice(0, at), field.slice(at + 1)];
}
