// npm oauth4webapi: the strictest reader of what a server answers; nothing here is lenient.
import * as oauth from 'oauth4webapi'
import { run, visit } from './talk.mjs'

const http = { [oauth.allowInsecureRequests]: true } // plain HTTP, on loopback

async function server(issuer, algorithm) {
  const identifier = new URL(issuer)
  return oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, { ...http, algorithm }))
}

/** The client as the test registered it: a secret, a key of its own, or neither. */
async function authentication({ secret, key }) {
  if (!key) return secret ? oauth.ClientSecretPost(secret) : oauth.None()
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  return oauth.PrivateKeyJwt({ key: await crypto.subtle.importKey('jwk', key.jwk, curve, false, ['sign']), kid: key.jwk.kid })
}

async function called(setup, token, options = {}) {
  try {
    const response = await oauth.protectedResourceRequest(token, 'GET', new URL(setup.resource), undefined, undefined, { ...http, ...options })
    return { status: response.status }
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    return { status: error.status, challenge: error.cause[0] }
  }
}

async function loggedIn(as, client, how, setup) {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const asked = {
    client_id: client.client_id,
    redirect_uri: setup.redirect,
    response_type: 'code',
    scope: setup.scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }
  const url = new URL(as.authorization_endpoint)
  if (setup.pushed) {
    const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, how, asked, http))
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
  } else {
    url.search = new URLSearchParams(asked)
  }
  const callback = oauth.validateAuthResponse(as, client, await visit(url), state)
  const response = await oauth.authorizationCodeGrantRequest(as, client, how, callback, setup.redirect, verifier, http)
  return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
}

run({
  async client_credentials(setup) {
    const as = await server(setup.issuer, 'oauth2')
    const client = { client_id: setup.client }
    const how = await authentication(setup)
    const granted = await oauth.clientCredentialsGrantRequest(as, client, how, new URLSearchParams({ scope: setup.scope }), http)
    const tokens = await oauth.processClientCredentialsResponse(as, client, granted)
    const asker = { client_id: setup.asker.client }
    const asked = async () =>
      oauth.processIntrospectionResponse(as, asker, await oauth.introspectionRequest(as, asker, await authentication(setup.asker), tokens.access_token, http))
    const before = await asked()
    const allowed = await called(setup, tokens.access_token)
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, how, tokens.access_token, http))
    const refused = await called(setup, tokens.access_token)
    return { scope: tokens.scope, before, allowed: allowed.status, after: await asked(), refused: refused.status, challenge: refused.challenge }
  },

  async code(setup) {
    const as = await server(setup.issuer, 'oidc')
    const client = { client_id: setup.client }
    const how = await authentication(setup)
    const tokens = await loggedIn(as, client, how, setup)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token, http))
    const verdict = { claims, userinfo, scope: tokens.scope, allowed: (await called(setup, tokens.access_token)).status, refreshed: null }
    if (tokens.refresh_token) {
      const renew = async (token) => oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, how, token, http))
      const again = await renew(tokens.refresh_token)
      const call = await called(setup, again.access_token)
      verdict.refreshed = { rotated: again.refresh_token !== tokens.refresh_token, scope: again.scope, allowed: call.status }
      await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, how, again.refresh_token, http))
      verdict.revoked = await renew(again.refresh_token).then(
        () => 'still good',
        (error) => error.error,
      )
    }
    return verdict
  },

  async resource(setup) {
    const where = new URL(setup.issuer)
    const found = await oauth.processResourceDiscoveryResponse(where, await oauth.resourceDiscoveryRequest(where, http))
    return found
  },

  async exchange(setup) {
    const as = await server(setup.issuer, 'oauth2')
    const client = { client_id: setup.client }
    const asked = new URLSearchParams({
      subject_token: setup.token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: setup.scope,
    })
    const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
    const response = await oauth.genericTokenEndpointRequest(as, client, await authentication(setup), grant, asked, http)
    const tokens = await oauth.processGenericTokenEndpointResponse(as, client, response)
    return { token: tokens.access_token, kind: tokens.issued_token_type, scope: tokens.scope }
  },

  async device(setup) {
    const as = await server(setup.issuer, 'oauth2')
    const client = { client_id: setup.client }
    const how = await authentication(setup)
    const begun = await oauth.processDeviceAuthorizationResponse(
      as,
      client,
      await oauth.deviceAuthorizationRequest(as, client, how, new URLSearchParams({ scope: setup.scope }), http),
    )
    const ask = async () => oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, how, begun.device_code, http))
    const early = await ask().catch((error) => error.error)
    const fast = await ask().catch((error) => error.error)
    await visit(begun.verification_uri_complete)
    await new Promise((done) => setTimeout(done, begun.interval * 1000))
    const tokens = await ask()
    const twice = await ask().catch((error) => error.error)
    return { early, fast, twice, scope: tokens.scope, allowed: (await called(setup, tokens.access_token)).status }
  },
})
