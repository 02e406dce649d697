// npm simple-oauth2: no discovery, no OpenID Connect; the plain RFC 6749 that many applications still use.
import { createHash, randomBytes } from 'node:crypto'
import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'
import { run, told, visit } from './talk.mjs'

const settings = ({ issuer, client, secret }, more = {}) => ({
  client: { id: client, secret },
  auth: { tokenHost: issuer, tokenPath: '/oauth/token', revokePath: '/oauth/revoke', ...more },
})
const called = async ({ resource }, { token }) => told(await fetch(resource, { headers: { authorization: `Bearer ${token.access_token}` } }))

run({
  async client_credentials(setup) {
    const token = await new ClientCredentials(settings(setup)).getToken({ scope: setup.scope })
    const allowed = await called(setup, token)
    await token.revoke('access_token')
    return { scope: token.token.scope, allowed: allowed.status, refused: (await called(setup, token)).status }
  },

  async password(setup) {
    const token = await new ResourceOwnerPassword(settings(setup)).getToken({ ...setup.person, scope: setup.scope })
    return { scope: token.token.scope, allowed: (await called(setup, token)).status }
  },

  async code(setup) {
    const client = new AuthorizationCode(settings(setup, { authorizePath: '/oauth/authorize' }))
    const verifier = randomBytes(32).toString('base64url')
    const arrived = await visit(
      client.authorizeURL({
        redirect_uri: setup.redirect,
        scope: setup.scope,
        state: 'a state',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }),
    )
    const code = arrived.searchParams.get('code')
    const token = await client.getToken({ code, redirect_uri: setup.redirect, code_verifier: verifier })
    const allowed = await called(setup, token)
    const again = token.token.refresh_token ? await token.refresh() : null
    const verdict = { state: arrived.searchParams.get('state'), scope: token.token.scope, allowed: allowed.status, refreshed: null }
    if (again) {
      verdict.refreshed = { rotated: again.token.refresh_token !== token.token.refresh_token, allowed: (await called(setup, again)).status }
      await again.revokeAll()
      verdict.refused = (await called(setup, again)).status
    }
    return verdict
  },
})
