// The resources of one type, in memory: JSON texts by their ids, in the order in which they came.

/** The resources of one type. */
export class Store {
  /** The most resources of a type: memory has an end. */
  static readonly MOST: i32 = 1000

  /** The most characters that they have together. */
  static readonly MOST_CHARACTERS: i32 = 4_000_000

  private resources: Map<string, string> = new Map()
  private characters: i32 = 0

  /** How many there are. */
  get size(): i32 {
    return this.resources.size
  }

  /** The JSON of a resource; empty when there is none. */
  get(id: string): string {
    return this.resources.has(id) ? this.resources.get(id) : ''
  }

  /** Keeps a resource, also in the place of another; false when there is no room for one more. */
  set(id: string, json: string): bool {
    const characters = this.characters - this.get(id).length + json.length
    if (characters > Store.MOST_CHARACTERS) return false
    if (!this.resources.has(id) && this.resources.size >= Store.MOST) return false
    this.characters = characters
    this.resources.set(id, json)
    return true
  }

  /** Forgets a resource; false when there is none. */
  delete(id: string): bool {
    this.characters -= this.get(id).length
    return this.resources.delete(id)
  }

  /** An object with at most `limit` resources by their ids; NaN means all. */
  list(limit: f64): string {
    const ids = this.resources.keys()
    const members = new Array<string>()
    for (let i = 0; i < ids.length; i++) {
      if (<f64>i >= limit) break
      members.push(`"${ids[i]}":${this.resources.get(ids[i])}`)
    }
    return `{${members.join(',')}}`
  }
}
