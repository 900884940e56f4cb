package app

import (
	"context"
	"net/http"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/httpapi"
)

// PrivacyStore is the personal data of a store, here or behind an API.
type PrivacyStore interface {
	Register(ctx context.Context) ([]core.Processing, error)
	Find(ctx context.Context, q core.SubjectQuery) (*core.SubjectReport, error)
	Export(ctx context.Context, q core.SubjectQuery) (core.Doc, error)
	Erase(ctx context.Context, r core.Erasure) (*core.ErasureReport, error)
	Retention(ctx context.Context, dryRun bool) (*core.RetentionReport, error)
}

// RegisterTable writes a register as CSV, in a language.
func RegisterTable(lines []core.Processing, lang core.Locale) []byte {
	return httpapi.RegisterTable(lines, lang)
}

// PrivacyStore is the personal data of this store, looked after as the system.
func (a *App) PrivacyStore() PrivacyStore { return localPrivacy{a.privacy} }

type localPrivacy struct{ core.Privacy }

func (p localPrivacy) Register(ctx context.Context) ([]core.Processing, error) {
	return p.Privacy.Register(ctx, core.System)
}

func (p localPrivacy) Find(ctx context.Context, q core.SubjectQuery) (*core.SubjectReport, error) {
	return p.Privacy.Find(ctx, core.System, q)
}

func (p localPrivacy) Export(ctx context.Context, q core.SubjectQuery) (core.Doc, error) {
	return p.Privacy.Export(ctx, core.System, q)
}

func (p localPrivacy) Erase(ctx context.Context, r core.Erasure) (*core.ErasureReport, error) {
	return p.Privacy.Erase(ctx, core.System, r)
}

func (p localPrivacy) Retention(ctx context.Context, dryRun bool) (*core.RetentionReport, error) {
	return p.Privacy.Retention(ctx, core.System, dryRun)
}

// Privacy is the personal data of the server's store.
func (c *Client) Privacy() PrivacyStore { return remotePrivacy{c.Long().Call} }

// remotePrivacy asks a server. What takes long is asked once.
type remotePrivacy struct {
	call func(ctx context.Context, method, path string, body, out any, repeat bool) error
}

const privacyPath = "/api/v1/privacy/"

// asked is a subject as the API takes it.
type asked struct {
	Text  string          `json:"text"`
	Types []core.TypeName `json:"types,omitempty"`
}

func (p remotePrivacy) Register(ctx context.Context) ([]core.Processing, error) {
	var list struct {
		Data []core.Processing `json:"data"`
	}
	err := p.call(ctx, http.MethodGet, privacyPath+"register", nil, &list, true)
	return list.Data, err
}

func (p remotePrivacy) Find(ctx context.Context, q core.SubjectQuery) (*core.SubjectReport, error) {
	report := &core.SubjectReport{}
	return report, p.call(ctx, http.MethodPost, privacyPath+"subjects", asked(q), report, false)
}

func (p remotePrivacy) Export(ctx context.Context, q core.SubjectQuery) (core.Doc, error) {
	var doc core.Doc
	err := p.call(ctx, http.MethodPost, privacyPath+"subjects/export", asked(q), &doc, false)
	return doc, err
}

func (p remotePrivacy) Erase(ctx context.Context, r core.Erasure) (*core.ErasureReport, error) {
	report := &core.ErasureReport{}
	return report, p.call(ctx, http.MethodPost, privacyPath+"erasures", r, report, false)
}

func (p remotePrivacy) Retention(ctx context.Context, dryRun bool) (*core.RetentionReport, error) {
	report := &core.RetentionReport{}
	return report, p.call(ctx, http.MethodPost, privacyPath+"retention", map[string]bool{"dryRun": dryRun}, report, false)
}
