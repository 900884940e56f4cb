package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// resetPath is the page that a link for a new password leads to.
const resetPath = "/admin/reset"

// maxForm is the most that the form of a page weighs.
const maxForm = 16 << 10

var formTypes = []string{"application/x-www-form-urlencoded"}

func forgotPassword(s *Server, c *gin.Context) error {
	in, err := s.words(c, "email")
	if err != nil {
		return err
	}
	if err := s.o.Accounts.Forgot(c.Request.Context(), in["email"]); err != nil {
		return err
	}
	done(c)
	return nil
}

func resetPassword(s *Server, c *gin.Context) error {
	in, err := s.words(c, "token password")
	if err != nil {
		return err
	}
	if err := s.o.Accounts.Reset(c.Request.Context(), in["token"], in["password"]); err != nil {
		return err
	}
	done(c)
	return nil
}

func makeResetLink(s *Server, c *gin.Context) error {
	in, err := s.words(c, "user")
	if err != nil {
		return err
	}
	if of(c).who.LacksFactor {
		return factorFirst()
	}
	link, expires, err := s.o.Accounts.ResetLink(c.Request.Context(), of(c).who, in["user"])
	if err != nil {
		return err
	}
	made := map[string]any{"link": link, "expiresAt": expires}
	if strings.HasPrefix(link, "/") {
		made["note"] = pageTexts["resetRelative"].In(languageOf(c.Request.Header))
	}
	reply(c, http.StatusCreated, mustJSON(made))
	return nil
}

// resetView is the page on which somebody who was given a link chooses a password.
type resetView struct {
	Token string
	Wrong string // what is wrong with what he has sent
	Over  string // why the link is of no use
	Done  bool
}

// showReset opens the page. It uses nothing up: programs that look at mails follow their links.
func showReset(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "token", "lang"); err != nil {
		return err
	}
	token := c.Query("token")
	return s.replyReset(c, http.StatusOK, resetView{Token: token}, s.o.Accounts.CheckReset(c.Request.Context(), token))
}

// resetOnPage is resetPassword for the form of that page.
func resetOnPage(s *Server, c *gin.Context) error {
	form, err := readForm(c)
	if err != nil {
		return err
	}
	view := resetView{Token: form.Get("token")}
	if form.Get("password") != form.Get("again") {
		return s.replyReset(c, http.StatusOK, view, invalid("/again", "same", pageTexts["resetDiffer"]["en"], pageTexts["resetDiffer"]["fr"]))
	}
	err = s.o.Accounts.Reset(c.Request.Context(), view.Token, form.Get("password"))
	if err == nil {
		view = resetView{Done: true}
	}
	return s.replyReset(c, http.StatusOK, view, err)
}

// readForm reads what the form of a page has sent.
func readForm(c *gin.Context) (url.Values, error) {
	if err := onlyParams(c.Request, "lang"); err != nil {
		return nil, err
	}
	if err := mediaType(c, formTypes); err != nil {
		return nil, err
	}
	body, err := readBody(c, maxForm)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, core.Refuse(core.CodeBadRequest, "", "The form cannot be read.", "Le formulaire est illisible.")
	}
	return form, nil
}

// replyReset shows the page, with what is wrong on it where the person can do something about it.
func (s *Server) replyReset(c *gin.Context, status int, v resetView, err error) error {
	lang, explicit := pageLanguageOf(c.Request)
	if e, ok := core.AsError(err); ok {
		switch {
		case e.Reason == "reset_token":
			v.Over = e.Texts.In(lang)
		case len(e.Fields) > 0:
			v.Wrong = e.Fields[0].Texts.In(lang)
		case e.Code == core.CodeRateLimited:
			v.Wrong = e.Texts.In(lang)
		default:
			return err
		}
		status = statusOf(e.Code)
		if seconds, ok := e.Extra["retryAfter"].(int); ok {
			c.Writer.Header().Set("Retry-After", strconv.Itoa(seconds))
		}
	} else if err != nil {
		return err
	}
	return s.writeReset(c, status, v, lang, explicit)
}

// writeReset writes the page, whose links to itself in another language keep the link's token. Nobody may keep it.
func (s *Server) writeReset(c *gin.Context, status int, v resetView, lang core.Locale, explicit bool) error {
	r := c.Request.Clone(c.Request.Context())
	params := url.Values{"token": {v.Token}}
	if explicit {
		params.Set("lang", string(lang))
	}
	r.URL.RawQuery = params.Encode()
	p := s.newPage(r, pageTexts["resetTitle"].In(lang), v)
	if v.Done {
		p.Languages = nil
	}
	body, err := s.render("reset", p)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	s.securePage(h)
	h.Set("Cache-Control", "no-store")
	h["Content-Type"] = htmlKind
	c.Writer.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // a caller who does not listen any more is told nothing
	}
	return nil
}
