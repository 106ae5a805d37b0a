import { expect, test } from "vitest";
import { isLocalOnly, pageAddress, rootAddress, typedAddress } from "./addresses";

test("addresses of the computer itself help no phone", () => {
  for (const host of ["localhost", "boat.localhost", "127.0.0.1", "127.1.2.3", "[::1]"]) expect(isLocalOnly(host), host).toBe(true);
  for (const host of ["boat.local", "10.0.0.2", "127.example", "[fe80::1]"]) expect(isLocalOnly(host), host).toBe(false);
});

test("the certificate is to be had without encryption", () => {
  const plain = { protocol: "http:", hostname: "boat.local", port: "3000" };
  const tls = { protocol: "https:", hostname: "boat.local", port: "3443" };
  expect(pageAddress(tls)).toBe("https://boat.local:3443/");
  expect(rootAddress(plain, 3001)).toBe("http://boat.local:3000/windlass/ca.pem");
  expect(rootAddress(tls, 3000)).toBe("http://boat.local:3000/windlass/ca.pem");
  expect(rootAddress(tls, 80)).toBe("http://boat.local/windlass/ca.pem");
});

test("what people type becomes an address", () => {
  expect(typedAddress("boat.local:3000")).toBe("http://boat.local:3000/");
  expect(typedAddress("https://10.0.0.2")).toBe("https://10.0.0.2/");
  expect(typedAddress(" ")).toBeUndefined();
  expect(typedAddress("no address")).toBeUndefined();
});
