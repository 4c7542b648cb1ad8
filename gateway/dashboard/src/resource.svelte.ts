/**
 * One answer of the API, kept on the page: the last good one stays while a newer is fetched or
 * cannot be had, so that nothing blanks.
 */
import { ApiError } from "./api.ts";
import { SECOND } from "./time.ts";

/** A question that failed is asked again after this: figures being rebuilt come by themselves. */
const RETRY_AFTER = 5 * SECOND;

export class Resource<T> {
  data: T | undefined = $state.raw(undefined);
  error: ApiError | undefined = $state.raw(undefined);
  /** When `data` was asked for, by this browser's clock. */
  at: number | undefined = $state.raw(undefined);
  isLoading: boolean = $state(false);

  private readonly fetch: () => Promise<T>;
  private readonly onSignedOut: () => void;
  private isTried = true;
  private again = false;
  private asked = 0;

  constructor(fetch: () => Promise<T>, onSignedOut: () => void) {
    this.fetch = fetch;
    this.onSignedOut = onSignedOut;
  }

  /** Asks again. While an answer is awaited further calls make one more question, not many. */
  async refresh(): Promise<void> {
    if (this.isLoading) {
      this.again = true;
      return;
    }
    this.isLoading = true;
    do {
      this.again = false;
      await this.once();
    } while (this.again);
    this.isLoading = false;
  }

  /** Changes what is known by what was told; asks instead where the answer is on its way. */
  amend(change: (data: T) => T): void {
    if (this.data === undefined || this.isLoading) void this.refresh();
    else this.data = change(this.data);
  }

  /** Forgets what was known: the question is another now. */
  async restart(): Promise<void> {
    this.asked += 1;
    this.data = undefined;
    this.error = undefined;
    await this.refresh();
  }

  /** No longer wanted: a failed question is let be. */
  leave(): void {
    this.isTried = false;
  }

  private async retry(): Promise<void> {
    if (this.isTried && this.error !== undefined && !this.isLoading) await this.refresh();
  }

  private async once(): Promise<void> {
    const asked = this.asked;
    const at = Date.now();
    try {
      const data = await this.fetch();
      if (asked !== this.asked) return;
      this.data = data;
      this.error = undefined;
      this.at = at;
    } catch (error) {
      if (asked !== this.asked) return;
      this.error = error instanceof ApiError ? error : new ApiError(0, String(error));
      if (this.error.isSignedOut) this.onSignedOut();
      else if (this.isTried) setTimeout(() => void this.retry(), RETRY_AFTER);
    }
  }
}
