// npm @badgateway/oauth2-client: small, on fetch, finds endpoints by RFC 8414.
import { OAuth2Client, generateCodeVerifier } from '@badgateway/oauth2-client'
import { run, told, visit } from './talk.mjs'

const client = ({ issuer, client, secret }) =>
  new OAuth2Client({
    server: issuer,
    clientId: client,
    clientSecret: secret,
    discoveryEndpoint: '/.well-known/oauth-authorization-server',
    authenticationMethod: secret ? 'client_secret_basic' : 'client_secret_post',
  })
const called = async ({ resource }, { accessToken }) => told(await fetch(resource, { headers: { authorization: `Bearer ${accessToken}` } }))

run({
  async client_credentials(setup) {
    const one = client(setup)
    const token = await one.clientCredentials({ scope: [setup.scope] })
    const asker = client({ ...setup, ...setup.asker })
    const before = await asker.introspect(token)
    const allowed = await called(setup, token)
    await one.revoke(token)
    const after = await asker.introspect(token)
    return { before, after, allowed: allowed.status, refused: (await called(setup, token)).status }
  },

  async password(setup) {
    const token = await client(setup).password({ ...setup.person, scope: [setup.scope] })
    return { allowed: (await called(setup, token)).status }
  },

  async code(setup) {
    const one = client(setup)
    const codeVerifier = await generateCodeVerifier()
    const how = { redirectUri: setup.redirect, state: 'a state', codeVerifier }
    const arrived = await visit(await one.authorizationCode.getAuthorizeUri({ ...how, scope: setup.scope.split(' ') }))
    const token = await one.authorizationCode.getTokenFromCodeRedirect(String(arrived), how)
    const verdict = { allowed: (await called(setup, token)).status, refreshed: null }
    if (token.refreshToken) {
      const again = await one.refreshToken(token)
      verdict.refreshed = { rotated: again.refreshToken !== token.refreshToken, allowed: (await called(setup, again)).status }
    }
    return verdict
  },
})
