import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from '@podctl/proto/grpc/reflection/v1/reflection.ts';

type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

const registry = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    readFileSync(fileURLToPath(import.meta.resolve('@podctl/proto/descriptors.binpb'))),
  ),
);

/** What the server says of itself: the .proto files as they are, made by `npm run generate`. */
export function reflectionAnswer(request: ServerReflectionRequest): ServerReflectionResponse {
  return {
    validHost: request.host,
    originalRequest: request,
    messageResponse: answerTo(request.messageRequest),
  };
}

function answerTo(asked: ServerReflectionRequest['messageRequest']): Answer {
  switch (asked?.$case) {
    case 'listServices':
      return services();
    case 'fileByFilename':
      return files(registry.getFile(asked.value.replace(/\.proto$/, '')));
    case 'fileContainingSymbol':
      return files(fileOf(asked.value));
    case 'allExtensionNumbersOfType': {
      if (registry.getMessage(asked.value) === undefined) return notFound();
      const value = { baseTypeName: asked.value, extensionNumber: [] };
      return { $case: 'allExtensionNumbersResponse', value };
    }
    case 'fileContainingExtension':
    case undefined:
      return notFound();
  }
}

function services(): Answer {
  const service = [...registry]
    .filter((one) => one.kind === 'service')
    .map(({ typeName }) => ({ name: typeName }));
  return { $case: 'listServicesResponse', value: { service } };
}

/** Of a service, a message, an enum, or a member of one. */
function fileOf(symbol: string): DescFile | undefined {
  const owner = symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')));
  return (registry.get(symbol) ?? registry.get(owner))?.file;
}

function files(file: DescFile | undefined): Answer {
  if (file === undefined) return notFound();
  const found = new Set<DescFile>();
  const add = (one: DescFile) => {
    if (found.has(one)) return;
    found.add(one);
    one.dependencies.forEach(add);
  };
  add(file);
  const fileDescriptorProto = [...found].map(({ proto }) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, proto)),
  );
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

/** It does not quote what was asked. */
function notFound(): Answer {
  const value = { errorCode: status.NOT_FOUND, errorMessage: 'there is no such thing here' };
  return { $case: 'errorResponse', value };
}
