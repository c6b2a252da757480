/** A route, free of any HTTP library: what is asked goes in, what is answered comes out. It throws BatonErrors. */
export interface Asked {
  /** With the values in the place of parameters, and without the query. */
  readonly path: string;
  param(name: string): string;
  query(name: string): string | undefined;
  /** @param name in lower case */
  header(name: string): string | undefined;
  body(): Promise<string>;
}

export type Given =
  | { readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly type: 'text/event-stream' | 'application/x-ndjson'; readonly stream: ReadableStream<Uint8Array> };

export interface Route {
  readonly method: 'GET' | 'POST';
  /** `/v1/runs/:run`. */
  readonly path: string;
  readonly answer: (asked: Asked) => Given | Promise<Given>;
}

export const get = (path: string, answer: Route['answer']): Route => ({ method: 'GET', path: `/v1${path}`, answer });
export const post = (path: string, answer: Route['answer']): Route => ({ method: 'POST', path: `/v1${path}`, answer });
export const json = (value: unknown): Given => ({ json: value });
