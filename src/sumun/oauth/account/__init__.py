"""`/account`: what a person gave to whom, where they are logged in, and their password.

visit         whose browser it is; nobody's is sent to log in first
people        what is read of the person, and the two things that are written
overview      GET  /account                 the whole on one page
applications  POST /account/applications    withdraw one permission, or all of an application
browsers      POST /account/sessions        log out one browser, or all others
logins        POST /account/logins          log out one of the operator's own applications
password      GET, POST /account/password   prove the current one, set a new one

settled       the redirect waits until this node refuses what was taken away

A form is taken only from a page that was shown to the same browser in the same session (`oauth.csrf`), and answered by
a redirect to `/account?done=...`, so a reload does nothing twice. When the redirect is sent, this node refuses what was
taken away. Whatever a form names is looked up among what belongs to the person: another's is the same as none.
"""
