package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

const authPath = "/api/v1/auth"

// getsIn reports whether an address is one for people who are not signed in: what they send is proof enough.
func getsIn(path string) bool {
	return path == authPath+"/login" || path == authPath+"/forgot" || path == authPath+"/reset" || path == resetPath
}

// authRoutes are the addresses of signing in.
func authRoutes() []route {
	return []route{
		{"POST", authPath + "/login", "signIn", signIn, "", open},
		{"POST", authPath + "/logout", "signOut", signOut, "", open},
		{"GET", authPath + "/me", "me", me, "", open},
		{"POST", authPath + "/password", "changePassword", changePassword, "", self},
		{"POST", authPath + "/forgot", "forgotPassword", forgotPassword, "", open},
		{"POST", authPath + "/reset", "resetPassword", resetPassword, "", open},
		{"GET", resetPath, "showReset", showReset, "", open},
		{"POST", resetPath, "resetOnPage", resetOnPage, "", open},
		{"POST", authPath + "/reset-links", "makeResetLink", makeResetLink, "", self},
		{"POST", authPath + "/totp", "beginTOTP", beginTOTP, "", self},
		{"POST", authPath + "/totp/confirm", "confirmTOTP", confirmTOTP, "", self},
		{"DELETE", authPath + "/totp", "dropTOTP", dropTOTP, "", self},
		{"POST", authPath + "/totp/recovery", "newRecoveryCodes", newRecoveryCodes, "", self},
		{"GET", authPath + "/sessions", "listSessions", listSessions, "", self},
		{"DELETE", authPath + "/sessions", "endOtherSessions", endOtherSessions, "", self},
		{"DELETE", authPath + "/sessions/:id", "endSession", endSession, "", self},
		{"GET", authPath + "/oidc", "listProviders", listProviders, "", open},
		{"GET", authPath + "/oidc/:provider", "beginOIDC", beginOIDC, "", open},
		{"GET", authPath + "/oidc/:provider/callback", "endOIDC", endOIDC, "", open},
	}
}

// allowSelf lets in whoever is signed in.
func allowSelf(q *request) error {
	if q.who.Anonymous() {
		return core.Refuse(core.CodeUnauthenticated, "", "Sign in first.", "Connectez-vous d’abord.")
	}
	return nil
}

// words reads a body that is an object of texts: those that must be there, and those that may.
func (s *Server) words(c *gin.Context, must string, may ...string) (map[string]string, error) {
	if err := onlyParams(c.Request); err != nil {
		return nil, err
	}
	body, _, err := s.object(c, s.o.BodyBytes, jsonTypes)
	if err != nil {
		return nil, err
	}
	return texts(body, must, may...)
}

// texts takes the texts out of such an object.
func texts(body map[string]any, must string, may ...string) (map[string]string, error) {
	needed := strings.Fields(must)
	known := append(slices.Clone(needed), may...)
	out := map[string]string{}
	for name, v := range body {
		text, isText := v.(string)
		switch {
		case !slices.Contains(known, name):
			return nil, unknownMember(name, known...)
		case v == nil && slices.Contains(may, name):
		case !isText:
			return nil, invalid(pointer(name), "type", "This must be a text.", "Ce doit être un texte.")
		default:
			out[name] = text
		}
	}
	return out, absent(out, needed)
}

func absent(given map[string]string, needed []string) error {
	var wrong []core.FieldError
	for _, name := range needed {
		if given[name] == "" {
			wrong = append(wrong, fieldError(pointer(name), "required", "This is missing.", "Il manque cette valeur."))
		}
	}
	if len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	return nil
}

func signIn(s *Server, c *gin.Context) error {
	in, err := s.words(c, "email password", "otp")
	if err != nil {
		return err
	}
	done, err := s.o.Accounts.SignIn(c.Request.Context(), core.SignIn{Email: in["email"], Password: in["password"], OTP: in["otp"]})
	if err != nil {
		return err
	}
	s.replySignedIn(c, done)
	return nil
}

func (s *Server) replySignedIn(c *gin.Context, done *core.SignedIn) {
	s.setCookie(c.Writer.Header(), sessionName, done.Cookie, done.Expires)
	reply(c, http.StatusOK, mustJSON(map[string]any{"user": done.User, "csrf": done.CSRF}))
}

// signOut takes the cookie away whether it still holds or not.
func signOut(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	if q := of(c); q.cookie != "" {
		if err := s.o.Accounts.SignOut(c.Request.Context(), q.who); err != nil {
			return err
		}
	}
	s.setCookie(c.Writer.Header(), sessionName, "", time.Time{})
	done(c)
	return nil
}

// done answers that it is done.
func done(c *gin.Context) {
	c.Writer.Header().Set("Cache-Control", "no-store")
	c.Writer.WriteHeader(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}

func me(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	q := of(c)
	account, err := s.o.Accounts.Me(c.Request.Context(), q.who)
	if err != nil {
		return err
	}
	csrf := ""
	if q.cookie != "" {
		csrf = s.o.Accounts.CSRF(q.cookie)
	}
	if q.lapsed != nil {
		s.setCookie(c.Writer.Header(), sessionName, "", time.Time{})
	}
	reply(c, http.StatusOK, mustJSON(map[string]any{"user": account, "roles": q.who.Roles, "csrf": csrf}))
	return nil
}

func (s *Server) passwordChange(c *gin.Context) (change core.PasswordChange, err error) {
	if err := onlyParams(c.Request); err != nil {
		return change, err
	}
	body, _, err := s.object(c, s.o.BodyBytes, jsonTypes)
	if err != nil {
		return change, err
	}
	const flag = "revokeTokens"
	revoke, isFlag := body[flag].(bool)
	if body[flag] != nil && !isFlag {
		return change, invalid(pointer(flag), "type", "This must be true or false.", "Ce doit être true ou false.")
	}
	delete(body, flag)
	in, err := texts(body, "current password", flag)
	return core.PasswordChange{Current: in["current"], Next: in["password"], RevokeTokens: revoke}, err
}

func changePassword(s *Server, c *gin.Context) error {
	change, err := s.passwordChange(c)
	if err != nil {
		return err
	}
	done, err := s.o.Accounts.ChangePassword(c.Request.Context(), of(c).who, change)
	if err != nil {
		return err
	}
	s.replySignedIn(c, done)
	return nil
}

// nothing reads a body that may be left out and holds nothing.
func (s *Server) nothing(c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	body, _, err := s.optionalObject(c)
	for name := range body {
		return unknownMember(name)
	}
	return err
}

func listSessions(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	list, err := s.o.Accounts.Sessions(c.Request.Context(), of(c).who)
	if err != nil {
		return err
	}
	reply(c, http.StatusOK, mustJSON(map[string]any{"data": list}))
	return nil
}

func endOtherSessions(s *Server, c *gin.Context) error {
	if err := s.nothing(c); err != nil {
		return err
	}
	if err := s.o.Accounts.EndOthers(c.Request.Context(), of(c).who); err != nil {
		return err
	}
	done(c)
	return nil
}

func endSession(s *Server, c *gin.Context) error {
	if err := s.nothing(c); err != nil {
		return err
	}
	id, err := idParam(c)
	if err != nil {
		return err
	}
	if err := s.o.Accounts.EndSession(c.Request.Context(), of(c).who, id); err != nil {
		return err
	}
	done(c)
	return nil
}

func listProviders(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	reply(c, http.StatusOK, mustJSON(map[string]any{"data": s.o.Accounts.Providers()}))
	return nil
}

// beginOIDC sends the browser to a provider, with a cookie that its answer must come back with.
func beginOIDC(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "back"); err != nil {
		return err
	}
	to, state, err := s.o.Accounts.BeginOIDC(c.Request.Context(), c.Param("provider"), c.Query("back"))
	if err != nil {
		return err
	}
	s.setCookie(c.Writer.Header(), elsewhere, url.QueryEscape(state), s.now().Add(elsewhereFor))
	redirect(c, to)
	return nil
}

func redirect(c *gin.Context, to string) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", to)
	c.Writer.WriteHeader(http.StatusFound)
	c.Writer.WriteHeaderNow()
}

// endOIDC takes the provider's answer, whatever parameters it has.
func endOIDC(s *Server, c *gin.Context) error {
	params, err := queryOf(c.Request)
	if err != nil {
		return err
	}
	state, err := url.QueryUnescape(s.sentCookie(c.Request, elsewhere))
	if err != nil {
		return badToken()
	}
	s.setCookie(c.Writer.Header(), elsewhere, "", time.Time{})
	in, back, err := s.o.Accounts.EndOIDC(c.Request.Context(), c.Param("provider"), params, state)
	if err != nil {
		return err
	}
	s.setCookie(c.Writer.Header(), sessionName, in.Cookie, in.Expires)
	redirect(c, back)
	return nil
}
