import { expect, test } from 'vitest';
import { agentMetricsPlace, coordinatorMetricsPlace, metricsLines } from './metrics-place.ts';

const place = (listen: string, asked: string, hasCa = false) => {
  const found = coordinatorMetricsPlace(listen, asked, hasCa);
  return found.ok ? found.value : found.error;
};

test('on this machine metrics are asked for plainly, elsewhere over TLS where the fleet has a CA', () => {
  expect(place('127.0.0.1:81', '127.0.0.1:80', true)).toEqual({
    ...{ host: '127.0.0.1', port: 81, tls: false },
  });
  expect(place('10.0.0.1:81', '10.0.0.1:80', true)).toMatchObject({ tls: true });
  expect(place('10.0.0.1:81', '10.0.0.1:80')).toMatchObject({ tls: false });
});

test('one that listens everywhere is asked where its gRPC answered', () => {
  expect(place('0.0.0.0:81', 'gpu.example:80', true)).toEqual({
    ...{ host: 'gpu.example', port: 81, tls: true },
  });
});

test('the host is the one that was asked, whatever the coordinator names', () => {
  expect(place('elsewhere.example:81', 'gpu.example:80', true)).toMatchObject({
    ...{ host: 'gpu.example', port: 81, tls: true },
  });
});

test('what cannot be reached from here is told, with what to do', () => {
  expect(place('127.0.0.1:81', 'gpu.example:80', true)).toContain('set coordinator.http.listen');
  expect(place('', '127.0.0.1:80')).toContain('older than this command');
});

test('an agent that listens everywhere is asked on loopback, over TLS', () => {
  expect(agentMetricsPlace('0.0.0.0:82')).toEqual({ host: '127.0.0.1', port: 82, tls: true });
  expect(agentMetricsPlace('127.0.0.1:82')).toMatchObject({ tls: false });
});

test('a pattern keeps the samples that match, and no comment', () => {
  const page = '# HELP podctl_feeds Feeds.\n# TYPE podctl_feeds gauge\npodctl_feeds 3\nup 1\n';
  expect(metricsLines(page, /feeds/)).toEqual(['podctl_feeds 3']);
  expect(metricsLines(page, null)).toHaveLength(4);
});
