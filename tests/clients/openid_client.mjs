// npm openid-client: what most Node.js applications log people in with.
import * as openid from 'openid-client'
import { run, told, visit } from './talk.mjs'

const insecure = { execute: [openid.allowInsecureRequests] } // plain HTTP, on loopback

/** The client as the test registered it: a secret, a key of its own, or neither. */
function discovered({ issuer, client, secret, key, algorithm = 'oidc' }) {
  const proof = key ? undefined : secret ? openid.ClientSecretBasic(secret) : openid.None()
  const authentication = proof ? async () => proof : async () => openid.PrivateKeyJwt(await privateKey(key))
  return authentication().then((how) =>
    openid.discovery(new URL(issuer), client, undefined, how, { ...insecure, algorithm }),
  )
}

async function privateKey({ jwk }) {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  return { key: await crypto.subtle.importKey('jwk', jwk, curve, false, ['sign']), kid: jwk.kid }
}

/** Log in with PKCE, state and nonce; `pushed` sends the request ahead (RFC 9126). */
async function loggedIn(config, setup, options = {}) {
  const verifier = openid.randomPKCECodeVerifier()
  const parameters = {
    redirect_uri: setup.redirect,
    scope: setup.scope,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    ...setup.more,
  }
  const build = setup.pushed ? openid.buildAuthorizationUrlWithPAR : openid.buildAuthorizationUrl
  const arrived = await visit(await build(config, parameters, options))
  return openid.authorizationCodeGrant(
    config,
    arrived,
    { pkceCodeVerifier: verifier, expectedState: parameters.state, expectedNonce: parameters.nonce, idTokenExpected: true },
    undefined,
    options,
  )
}

run({
  async client_credentials(setup) {
    const config = await discovered({ ...setup, algorithm: 'oauth2' })
    const tokens = await openid.clientCredentialsGrant(config, { scope: setup.scope })
    const call = () => openid.fetchProtectedResource(config, tokens.access_token, new URL(setup.resource), 'GET')
    const asker = await discovered({ ...setup, key: undefined, ...setup.asker, algorithm: 'oauth2' })
    const before = await openid.tokenIntrospection(asker, tokens.access_token)
    const allowed = await told(await call())
    await openid.tokenRevocation(config, tokens.access_token)
    const after = await openid.tokenIntrospection(asker, tokens.access_token)
    const refused = await call().then(told, (error) => ({ status: error.status ?? error.response?.status }))
    return { scope: tokens.scope, before, allowed: allowed.status, after, refused: refused.status }
  },

  async code(setup) {
    const config = await discovered(setup)
    const tokens = await loggedIn(config, setup)
    const claims = tokens.claims()
    const userinfo = await openid.fetchUserInfo(config, tokens.access_token, claims.sub)
    const allowed = await told(await openid.fetchProtectedResource(config, tokens.access_token, new URL(setup.resource), 'GET'))
    const verdict = { claims, userinfo, scope: tokens.scope, allowed: allowed.status, refreshed: null }
    if (tokens.refresh_token) {
      const again = await openid.refreshTokenGrant(config, tokens.refresh_token)
      const call = await openid.fetchProtectedResource(config, again.access_token, new URL(setup.resource), 'GET')
      verdict.refreshed = { rotated: again.refresh_token !== tokens.refresh_token, scope: again.scope, allowed: call.status }
      await openid.tokenRevocation(config, again.refresh_token)
      verdict.revoked = await openid.refreshTokenGrant(config, again.refresh_token).then(
        () => 'still good',
        (error) => error.error,
      )
    }
    return verdict
  },

  async dpop(setup) {
    const config = await discovered(setup)
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
    const tokens = await loggedIn(config, setup, { DPoP })
    const userinfo = await openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
    const where = new URL(setup.resource)
    const allowed = await openid.fetchProtectedResource(config, tokens.access_token, where, 'GET', undefined, undefined, { DPoP })
    const again = await openid.fetchProtectedResource(config, tokens.access_token, where, 'GET', undefined, undefined, { DPoP })
    const thief = await fetch(where, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const refreshed = tokens.refresh_token && (await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }))
    return {
      type: tokens.token_type,
      sub: userinfo.sub,
      allowed: [allowed.status, again.status],
      thief: thief.status,
      refreshed: refreshed?.token_type ?? null,
    }
  },

  async device(setup) {
    const config = await discovered({ ...setup, algorithm: 'oauth2' })
    const begun = await openid.initiateDeviceAuthorization(config, { scope: setup.scope })
    const polling = openid.pollDeviceAuthorizationGrant(config, begun).then(
      async (tokens) => {
        const call = await openid.fetchProtectedResource(config, tokens.access_token, new URL(setup.resource), 'GET')
        return { scope: tokens.scope, allowed: call.status }
      },
      (error) => ({ error: error.error ?? String(error) }),
    )
    await visit(begun.verification_uri_complete)
    return { ...(await polling), verification_uri: begun.verification_uri, user_code: begun.user_code }
  },

  async register(setup) {
    const metadata = {
      client_name: 'Made a moment ago',
      redirect_uris: [setup.redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: setup.scope,
    }
    const initialAccessToken = setup.initial
    const config = await openid.dynamicClientRegistration(new URL(setup.issuer), metadata, undefined, { ...insecure, initialAccessToken })
    const tokens = await loggedIn(config, setup)
    const call = await openid.fetchProtectedResource(config, tokens.access_token, new URL(setup.resource), 'GET')
    return { client: config.clientMetadata().client_id, sub: tokens.claims().sub, allowed: call.status }
  },

  async exchange(setup) {
    const config = await discovered({ ...setup, algorithm: 'oauth2' })
    const tokens = await openid.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: setup.token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: setup.scope,
    })
    return { token: tokens.access_token, kind: tokens.issued_token_type, scope: tokens.scope }
  },

  async logout(setup) {
    const config = await discovered(setup)
    const tokens = await loggedIn(config, setup)
    const url = openid.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: setup.after_logout,
      state: 'left',
    })
    const arrived = await visit(url)
    const call = await openid
      .fetchProtectedResource(config, tokens.access_token, new URL(setup.resource), 'GET')
      .then(told, (error) => ({ status: error.status ?? error.response?.status }))
    return { arrived: String(arrived), refused: call.status }
  },
})
