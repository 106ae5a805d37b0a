import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Frame } from "./frames";
import { SignalKStream, type ConnectionState, type Socket } from "./stream";

class FakeSocket implements Socket {
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  closed = false;

  readonly sent: string[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  receive(value: unknown): void {
    const data = typeof value === "string" ? value : JSON.stringify(value);
    this.onmessage?.call(this as unknown as WebSocket, { data } as MessageEvent);
  }

  drop(): void {
    this.onclose?.call(this as unknown as WebSocket, {} as CloseEvent);
  }
}

const HELLO = { self: "vessels.urn:mrn:imo:mmsi:230099999", name: "windlass", version: "0.1.0" };
const DELTA = { updates: [{ $source: "a", values: [{ path: "a.b", value: 1 }] }] };

let sockets: FakeSocket[];
let states: ConnectionState[];
let frames: Frame[];
let open: () => Promise<Socket>;
let stream: SignalKStream;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  sockets = [];
  states = [];
  frames = [];
  open = async () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  };
  stream = new SignalKStream({
    open: () => open(),
    onState: (state) => states.push(state),
    onHello: (hello) => frames.push(hello),
    onFrame: (frame) => frames.push(frame),
    random: () => 0,
  });
});

afterEach(() => {
  stream.stop();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const names = () => states.map((state) => state.state);

async function goLive(): Promise<FakeSocket> {
  await settle();
  const socket = sockets.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  socket.receive(HELLO);
  return socket;
}

describe("connecting", () => {
  it("is live with the hello, and passes frames on in order", async () => {
    stream.start();
    const socket = await goLive();
    socket.receive(DELTA);
    socket.receive({ type: "VESSEL_INFO", data: {} });
    expect(names()).toEqual(["connecting", "live"]);
    expect(frames.map((frame) => frame.kind)).toEqual(["hello", "delta", "event"]);
  });

  it("ignores frames it does not know, and deltas before the hello", async () => {
    stream.start();
    await settle();
    sockets[0]?.receive(DELTA);
    sockets[0]?.receive("primus::server::close");
    sockets[0]?.receive(HELLO);
    sockets[0]?.receive({ unknown: true });
    expect(frames.map((frame) => frame.kind)).toEqual(["hello"]);
  });

  it("gives up on a socket that brings no hello", async () => {
    stream.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(names()).toEqual(["connecting", "reconnecting"]);
    expect(sockets[0]?.closed).toBe(true);
  });
});

describe("reconnecting", () => {
  it("waits 1, 2, 4 s while the server refuses, and remembers since when", async () => {
    open = () => Promise.reject(new Error("refused"));
    stream.start();
    await vi.advanceTimersByTimeAsync(3_000);
    const waits = states.flatMap((state) => (state.state === "reconnecting" ? [state.retryAt] : []));
    expect(waits).toEqual([1_001_000, 1_003_000, 1_007_000]);
    expect(states.at(-1)).toMatchObject({ state: "reconnecting", offlineSince: 1_000_000 });
  });

  it("starts again at 1 s after it was live", async () => {
    stream.start();
    (await goLive()).drop();
    await vi.advanceTimersByTimeAsync(1_000);
    (await goLive()).drop();
    expect(states.at(-1)).toMatchObject({ state: "reconnecting", retryAt: Date.now() + 1_000 });
  });

  it("connects at once on request, and only once", async () => {
    stream.start();
    (await goLive()).drop();
    stream.retryNow();
    stream.retryNow();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sockets).toHaveLength(2);
  });

  it("does not listen to a socket it has left", async () => {
    stream.start();
    const old = await goLive();
    old.drop();
    stream.retryNow();
    await goLive();
    old.receive(DELTA);
    old.drop();
    expect(states.at(-1)?.state).toBe("live");
    expect(frames.map((frame) => frame.kind)).toEqual(["hello", "hello"]);
  });

  it("closes a socket that opens after the stream was stopped", async () => {
    const late = new FakeSocket();
    let resolve: (socket: Socket) => void = () => undefined;
    open = () => new Promise((done) => (resolve = done));
    stream.start();
    stream.stop();
    resolve(late);
    await settle();
    expect(late.closed).toBe(true);
  });
});

describe("a silent link", () => {
  it("is given up when the server's regular reports stop", async () => {
    stream.start();
    const socket = await goLive();
    socket.receive({ type: "SERVERSTATISTICS", data: {} });
    await vi.advanceTimersByTimeAsync(15_000);
    expect(states.at(-1)?.state).toBe("live");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(names()).toContain("reconnecting");
    expect(socket.closed).toBe(true);
  });

  it("is kept while reports come, and with a server that sends none", async () => {
    stream.start();
    const socket = await goLive();
    await vi.advanceTimersByTimeAsync(60_000);
    for (let i = 0; i < 10; i += 1) {
      socket.receive({ type: "SERVERSTATISTICS", data: {} });
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(states.at(-1)?.state).toBe("live");
  });

  it("is given up at once when the device loses its network", async () => {
    stream.start();
    await goLive();
    stream.linkLost();
    expect(states.at(-1)?.state).toBe("reconnecting");
  });
});
