/**
 * Threads of a Node process that wait for disks. Each sync takes one as long as the disk does, and with Node's four a few files that
 * are finished at once keep all others from being written: 30 downloads then make 160 instead of 210 MiB/s (bench:download).
 */
export const FILE_THREADS = { UV_THREADPOOL_SIZE: '16' } as const;
