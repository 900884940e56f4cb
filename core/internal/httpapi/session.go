package httpapi

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// The cookies of a session and of signing in elsewhere. Over https their names say that no other host has set them.
const (
	sessionName  = "palabre_session"
	elsewhere    = "palabre_oidc"
	hostPrefix   = "__Host-"
	csrfHeader   = "X-Csrf-Token"
	elsewhereFor = 10 * time.Minute
)

// overTLS reports whether the world reaches this server over https.
func (s *Server) overTLS() bool { return strings.HasPrefix(s.o.PublicURL, "https://") }

func (s *Server) cookieName(name string) string {
	if s.overTLS() {
		return hostPrefix + name
	}
	return name
}

// setCookie sends a cookie that scripts cannot read and that other sites do not send along with a write. An empty value
// takes it away.
func (s *Server) setCookie(h http.Header, name, value string, expires time.Time) {
	c := http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", Expires: expires, HttpOnly: true, Secure: s.overTLS(), SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.Expires, c.MaxAge = time.Unix(0, 0), -1
	}
	h.Add("Set-Cookie", c.String())
}

// sentCookie gives the value of a cookie of ours; "" without one.
func (s *Server) sentCookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// mayHoldSession reports whether a session's cookie may be among those that were sent. It allocates nothing.
func mayHoldSession(h http.Header) bool {
	for _, line := range h["Cookie"] {
		if strings.Contains(line, sessionName) {
			return true
		}
	}
	return false
}

// identifyByCookie finds out who asks by his session. One that does not hold is nobody's: what is public is still
// answered, and whatever else is refused says why.
func (s *Server) identifyByCookie(q *request, r *http.Request) error {
	if s.o.Accounts == nil || !mayHoldSession(r.Header) {
		return nil
	}
	cookie := s.sentCookie(r, sessionName)
	if cookie == "" {
		return nil
	}
	who, err := s.o.Accounts.Session(r.Context(), cookie)
	if core.CodeOf(err) == core.CodeUnauthenticated {
		q.lapsed = err
		return nil
	}
	if err != nil {
		return err
	}
	if unsafe(r.Method) && !s.meant(r, cookie) {
		if getsIn(r.URL.Path) {
			return nil // whoever sends a password need not be who has been here before
		}
		return forged()
	}
	q.who, q.cookie = who, cookie
	return nil
}

// unsafe reports whether a method may change something.
func unsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// meant reports whether a write comes from this site's own pages, and not from another that a browser is looking at.
func (s *Server) meant(r *http.Request, cookie string) bool {
	want, given := s.o.Accounts.CSRF(cookie), first(r.Header, csrfHeader)
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(given)) == 1 && s.ownOrigin(r)
}

// ownOrigin reports whether a request comes from a page of this site, as far as the browser says.
func (s *Server) ownOrigin(r *http.Request) bool {
	given := r.Header["Origin"]
	if len(given) == 0 {
		return true
	}
	origin, err := url.Parse(given[0])
	if err != nil || len(given) > 1 || origin.Host == "" || origin.Scheme != "http" && origin.Scheme != "https" {
		return false
	}
	if s.o.PublicURL == "" {
		return strings.EqualFold(origin.Host, r.Host)
	}
	own, err := url.Parse(s.o.PublicURL)
	return err == nil && origin.Scheme == own.Scheme && strings.EqualFold(hostPort(origin), hostPort(own))
}

// hostPort writes a host with its port, also where that is the usual one.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

func forged() error {
	err := core.Refuse(core.CodeForbidden, "", "A write with a session needs its token: send X-CSRF-Token as signing in gave it, from a page of this site.",
		"Une écriture avec une session demande son jeton : envoyez X-CSRF-Token tel que la connexion l’a donné, depuis une page de ce site.")
	return reason(err, "csrf")
}

func foreignOrigin() error {
	return reason(core.Refuse(core.CodeForbidden, "", "Other sites cannot do this here.", "Un autre site ne peut pas faire cela ici."), "origin")
}

func reason(err error, name string) error {
	e, ok := core.AsError(err)
	if !ok {
		return err
	}
	e.Reason = name
	return e
}

// unlessKept says what keeps somebody from more than anybody may do, where he is refused for want of it: his session has
// ended, or he has to set up a second factor.
func unlessKept(q *request, r *route, err error) error {
	why := q.lapsed
	if q.who.LacksFactor && r.auth != self {
		why = factorFirst()
	}
	if why == nil || r.auth == open || r.auth == "" {
		return err
	}
	switch core.CodeOf(err) {
	case core.CodeUnauthenticated, core.CodeNotFound, core.CodeForbidden:
		return why
	}
	return err
}

func factorFirst() error {
	err := core.Refuse(core.CodeForbidden, "", "Set up a second factor first: one of your roles asks for it, and until then you may do nothing else. Send your password (nothing, if you have none and have just signed in) to POST "+authPath+
		"/totp, put the secret that you get into an authenticator app, and send a code of the app to POST "+authPath+"/totp/confirm.",
		"Mettez d’abord en place un second facteur : l’un de vos rôles le demande, et rien d’autre n’est possible d’ici là. Envoyez votre mot de passe (rien, si vous n’en avez pas et venez de vous connecter) à POST "+authPath+
			"/totp, saisissez le secret obtenu dans une application d’authentification, puis envoyez un code de celle-ci à POST "+authPath+"/totp/confirm.")
	return reason(err, "totp_required")
}
