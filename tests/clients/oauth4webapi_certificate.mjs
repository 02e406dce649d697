// npm oauth4webapi as a client that proves itself by its certificate (RFC 8705): it finds the addresses for that by itself.
import { request } from 'node:https'
import * as oauth from 'oauth4webapi'
import { run } from './talk.mjs'

/** fetch(), by connections with these certificates: Node's own cannot show one. */
const withCertificates = (certificates) => (url, { method, headers, body }) =>
  new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent: false, ...certificates }, (answer) => {
      const pieces = []
      answer.on('data', (piece) => pieces.push(piece))
      answer.on('end', () => resolve(new Response(Buffer.concat(pieces), { status: answer.statusCode, headers: answer.headers })))
    })
    call.on('error', reject)
    call.end(body === undefined || body === null ? undefined : String(body))
  })

async function called(setup, token, fetch) {
  try {
    return (await oauth.protectedResourceRequest(token, 'GET', new URL(setup.resource), undefined, undefined, { [oauth.customFetch]: fetch })).status
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    return error.cause[0].parameters.error
  }
}

run({
  async client_credentials(setup) {
    const ca = setup.authority
    const own = withCertificates({ ca, cert: setup.certificate, key: setup.key })
    const none = withCertificates({ ca })
    const issuer = new URL(setup.issuer)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', [oauth.customFetch]: none })
    const as = await oauth.processDiscoveryResponse(issuer, found)
    const client = { client_id: setup.client, use_mtls_endpoint_aliases: true }
    const http = { [oauth.customFetch]: own }
    const granted = await oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), new URLSearchParams(), http)
    const { access_token: token, token_type } = await oauth.processClientCredentialsResponse(as, client, granted)
    const verdict = { token_type, allowed: await called(setup, token, own), stolen: await called(setup, token, none) }
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.TlsClientAuth(), token, http))
    return { ...verdict, revoked: await called(setup, token, own) }
  },
})
