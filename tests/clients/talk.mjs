// How a program here talks to the test that started it: a JSON object a line, on standard input and output.
//   test -> program   {"flow": "code", "issuer": "http://127.0.0.1:...", ...}   once, first
//   program -> test   {"visit": url}       a person opens this address;   answer: {"arrived": url}
//   program -> test   {"verdict": {...}}   or {"failed": what the client said}   once, last
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const heard = async () => JSON.parse((await lines.next()).value)
const say = (words) => process.stdout.write(`${JSON.stringify(words)}\n`)

/** A person opens this address in a browser, and does what the test has them do. Gives where they arrive. */
export async function visit(url) {
  say({ visit: String(url) })
  return new URL((await heard()).arrived)
}

/** Runs the flow that the test names; its value is the verdict. */
export async function run(flows) {
  const setup = await heard()
  try {
    say({ verdict: await flows[setup.flow](setup) })
  } catch (error) {
    say({ failed: inspect(error, { depth: 3 }) })
  }
  process.stdin.destroy()
}

/** What a call to the gateway came to. */
export const told = async (response) => ({ status: response.status, body: await response.text() })
