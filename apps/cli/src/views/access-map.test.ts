import { JoinTokenState, Role } from '@podctl/proto/podctl/v1/access.ts';
import { expect, test } from 'vitest';
import { joinTokenView, newJoinTokenView, ROLE_WORDS, roleOf, roleWord } from './access-map.ts';

const token = {
  ...{ tokenId: 'abcdefghijklmnop', state: JoinTokenState.OPEN, agentId: '', usesMax: 3 },
  ...{ usedBy: ['gpu-1'], createdAt: new Date(0), createdBy: 'ada', expiresAt: undefined },
};

test('every role has a word, and every other word has none', () => {
  for (const word of ROLE_WORDS) expect(roleWord(roleOf(word) ?? Role.UNSPECIFIED)).toBe(word);
  expect(roleOf('root')).toBeNull();
  expect(roleWord(Role.UNSPECIFIED)).toBe('unknown');
});

test('a join token is shown with times in ISO form and its state in a word', () => {
  expect(joinTokenView(token)).toEqual({
    ...{ tokenId: 'abcdefghijklmnop', state: 'open', agentId: '', usesMax: 3 },
    ...{ usedBy: ['gpu-1'], createdAt: '1970-01-01T00:00:00.000Z', createdBy: 'ada' },
    expiresAt: null,
  });
});

test('the line to paste begins with a space and ends in the name when the token has one', () => {
  const line = (agentId: string) =>
    newJoinTokenView({ token: { ...token, agentId }, text: 'pj1.x' })?.command;
  expect(line('')).toBe(" printf '%s\\n' 'pj1.x' | sudo podctl agent install --join-file -");
  expect(line('gpu-1')).toMatch(/^ printf .* --join-file - --name gpu-1$/);
});

test('an answer without a token is none', () => {
  expect(newJoinTokenView({ token: undefined, text: 'pj1.x' })).toBeNull();
  expect(newJoinTokenView({ token, text: '' })).toBeNull();
});
