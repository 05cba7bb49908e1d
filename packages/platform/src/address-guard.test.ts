import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Agent, interceptors, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guardedAgent, isPublicAddress } from './address-guard.ts';

describe('an address', () => {
  it.each([
    '8.8.8.8',
    '93.184.216.34',
    '2606:4700::6810:84e5',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:0:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b::10.0.0.1',
    '2002:c0a8:101::1',
    '2001:0:53aa:64c:0:7f8:80ff:fffe',
    '192.88.99.1',
    '192.31.196.1',
    '192.52.193.1',
    '0177.0.0.1',
    '127.0.0.1.',
    ' 8.8.8.8',
    '8.8.8.8%eth0',
    '64:ff9b:1::808:808',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    'fec0::1',
    'ff02::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    '5f00::1',
    '4000::1',
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '8.8.8.8.8',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('the guarded agent', () => {
  let server: Server;
  let port: number;
  let asked: string[];
  const agents: Agent[] = [];
  const agent = (allowPrivate: boolean) => {
    const made = guardedAgent({ allowPrivate, connectTimeoutMs: 5_000, connectionsMax: 2 });
    agents.push(made);
    return made;
  };

  beforeEach(async () => {
    asked = [];
    server = createServer((incoming, answer) => {
      asked.push(incoming.url ?? '');
      if (incoming.url === '/away') answer.writeHead(302, { location: '/here' }).end();
      else answer.end('hello');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const one of agents.splice(0)) await one.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  // The URL parser makes 127.0.0.1 of the last four but one.
  it.each([
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '0.0.0.0',
    '0',
    '127.0.0.1.',
    '0x7f000001.',
    'LOCALHOST',
    '%31%32%37.0.0.1',
    '１２７.0.0.1',
    '[::]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
  ])('does not reach http://%s', async (host) => {
    const dispatcher = agent(false);
    await expect(request(`http://${host}:${port}/`, { dispatcher })).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
      message: expect.stringContaining('is not a public address; set network.allowPrivate'),
    });
    expect(asked).toEqual([]);
  });

  it('does not reach a private address over https either', async () => {
    const dispatcher = agent(false);
    await expect(request(`https://localhost:${port}/`, { dispatcher })).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
      message: expect.stringMatching(/^localhost \((127\.0\.0\.1|::1)\) is not a public address/),
    });
  });

  it.each(['127.0.0.1', 'localhost'])(
    'reaches http://%s where private is allowed',
    async (host) => {
      const { body } = await request(`http://${host}:${port}/`, { dispatcher: agent(true) });
      expect(await body.text()).toBe('hello');
    },
  );

  it('checks each hop of a redirect', async () => {
    // The first hop is let through, as a public host would be; the second is for the guard to refuse.
    const [open, guarded] = [agent(true), agent(false)];
    const redirecting = guarded.compose(
      (dispatch) => (options, handler) =>
        options.path === '/away' ? open.dispatch(options, handler) : dispatch(options, handler),
      interceptors.redirect({ maxRedirections: 3 }),
    );
    const url = `http://127.0.0.1:${port}/away`;
    await expect(request(url, { dispatcher: redirecting })).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
    });
    expect(asked).toEqual(['/away']);
  });

  const of = (addresses: string[][], allowPrivate = false) => {
    const answers = [...addresses];
    const resolve = async () =>
      (answers.shift() ?? []).map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      }));
    const made = guardedAgent({ allowPrivate, connectTimeoutMs: 200, connectionsMax: 2, resolve });
    agents.push(made);
    return made;
  };

  it('connects to the address that it checked, though the name changes its mind in between', async () => {
    // The second answer is the one that a rebinding name gives to whoever asks again.
    const dispatcher = of([['192.0.2.7'], ['127.0.0.1']]);
    const url = `http://rebinding.example:${port}/`;
    await expect(request(url, { dispatcher })).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    const isChecked = of([['8.8.8.8'], ['127.0.0.1']]);
    await expect(request(url, { dispatcher: isChecked })).rejects.toMatchObject({
      code: expect.not.stringMatching('ADDRESS_REFUSED'),
    });
    expect(asked).toEqual([]);
  });

  it('goes by the address, however a name is written', async () => {
    for (const name of ['localhost.', 'localhost.localdomain', 'a.b.c.127.0.0.1.nip.io'])
      await expect(
        request(`http://${name}:${port}/`, { dispatcher: of([['127.0.0.1']]) }),
      ).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' });
    expect(asked).toEqual([]);
  });

  it('leaves the private ones of several addresses out', async () => {
    const dispatcher = of([['127.0.0.1', '::1', '10.0.0.1', '8.8.8.8']]);
    await expect(request(`http://both.example:${port}/`, { dispatcher })).rejects.toThrow();
    expect(asked).toEqual([]);
  });

  it('looks a name up itself, also where private addresses are allowed', async () => {
    const dispatcher = of([['127.0.0.1']], true);
    const { body } = await request(`http://name.example:${port}/`, { dispatcher });
    expect(await body.text()).toBe('hello');
  });

  it('does not use a proxy that the environment names', async () => {
    const names = ['HTTP_PROXY', 'http_proxy'];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = `http://127.0.0.1:${port}`;
    try {
      const dispatcher = of([['192.168.0.1']]);
      await expect(request('http://inside.example/', { dispatcher })).rejects.toMatchObject({
        code: 'ADDRESS_REFUSED',
      });
    } finally {
      for (const [i, name] of names.entries())
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
    }
    expect(asked).toEqual([]);
  });

  it('speaks http and https only', () => {
    for (const url of ['ftp://8.8.8.8/', 'file:///etc/passwd', 'gopher://8.8.8.8/'])
      expect(() => request(url, { dispatcher: agent(false) }), url).toThrow(/http:/);
  });

  it('passes the error of a name that does not exist on', async () => {
    const failed = request('http://no-such-name.invalid/', { dispatcher: agent(false) });
    await expect(failed).rejects.toMatchObject({ syscall: 'getaddrinfo' });
  });
});
