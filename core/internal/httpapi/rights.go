package httpapi

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// explainRight says which permission allows or forbids something.
func explainRight(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request, "as", "action", "type", "id"); err != nil {
		return err
	}
	params := c.Request.URL.Query()
	q := core.ExplainQuery{As: params.Get("as"), Action: core.Action(params.Get("action")), Type: core.TypeName(params.Get("type")), ID: core.EntryID(params.Get("id"))}
	switch {
	case q.Action == "" || q.Type == "":
		return core.Refuse(core.CodeBadRequest, "", "Name an action and a type: ?action=read&type=fiche.", "Indiquez une action et un type : ?action=read&type=fiche.")
	case q.ID != "" && !core.ValidID(string(q.ID)):
		return noSuchEntry()
	}
	x, err := s.o.Rights.Explain(c.Request.Context(), of(c).who, q)
	if err != nil {
		return err
	}
	told := *x
	if text := x.Texts[languageOf(c.Request.Header)]; text != "" {
		told.Because = text
	}
	reply(c, http.StatusOK, mustJSON(told))
	return nil
}

// previewRole says what a role would open and close: {"role": {…}}, or the role itself.
func previewRole(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	if of(c).who.Anonymous() {
		return core.Refuse(core.CodeUnauthenticated, "", "Sign in to look at roles.", "Connectez-vous pour voir les rôles.")
	}
	body, _, err := s.object(c, s.o.BodyBytes, jsonTypes)
	if err != nil {
		return err
	}
	if inner, ok := body["role"].(map[string]any); ok {
		body = inner
	}
	if name, _ := body["name"].(string); name == "" {
		return invalid("/name", "required", "Name the role.", "Nommez le rôle.")
	}
	p, err := s.o.Rights.Preview(c.Request.Context(), of(c).who, body)
	if err != nil {
		return err
	}
	told := *p
	told.Warnings = worded(p.Warnings, languageOf(c.Request.Header))
	reply(c, http.StatusOK, mustJSON(told))
	return nil
}

// openPreview takes a preview token out of the parameters: it says who asks, and that the latest state is meant. A preview
// opens its entry to the holder of the link instead of a sign-in, so what was signed in with does not count beside it.
func (s *Server) openPreview(c *gin.Context, params url.Values) error {
	if !params.Has("preview") {
		return nil
	}
	q := of(c)
	who, err := s.o.Access.Authenticate(c.Request.Context(), params.Get("preview"))
	if err == nil && who.Kind != "link" {
		err = core.Errorf(core.CodeUnauthenticated, "not a link")
	}
	if core.CodeOf(err) == core.CodeUnauthenticated {
		return core.Refuse(core.CodeUnauthenticated, "", "The preview link is not valid, or no longer. Ask for a new one.", "Le lien d’aperçu n’est pas valable, ou ne l’est plus. Demandez-en un autre.")
	}
	if err != nil {
		return err
	}
	q.who, q.preview = who, true
	params.Del("preview")
	if !params.Has("state") {
		params.Set("state", string(core.StateDraft))
	}
	return nil
}
