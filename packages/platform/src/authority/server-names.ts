/**
 * Names in the certificates of the fleet's servers, and what our own clients check: the fleet's CA gives them to nobody
 * else, and so a fleet may be reached under any address, through a tunnel or a NAT too.
 */
export const SERVER_NAMES = {
  nats: 'nats.podctl.internal',
  coordinator: 'coordinator.podctl.internal',
} as const;
