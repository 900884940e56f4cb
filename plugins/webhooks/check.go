package webhooks

import (
	"context"
	"net/url"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// check refuses an endpoint that could not be delivered to, or that would tell more than the one who sets it up may know: it
// reads with the rights of its role, so nobody names a role that is not his own, nor changes an endpoint that has one.
func (w *Webhooks) check(_ context.Context, e *core.EntryEvent) error {
	var fields []core.FieldError
	address, _ := e.New["url"].(string)
	if problem := badAddress(address, w.settings.Get().AllowHTTP); address != "" && problem != nil {
		fields = append(fields, wrong("/url", problem))
	}
	was, _ := e.Old["role"].(string)
	is, _ := e.New["role"].(string)
	if was != "" && !mayGive(e.Actor, was) || is != "" && !mayGive(e.Actor, is) {
		fields = append(fields, wrong("/role", core.Say("The role must be public, or one of yours.", "Le rôle doit être public, ou l’un des vôtres.")))
	}
	if len(fields) == 0 {
		return nil
	}
	return plugin.Reject("webhook", fields[0].Message, fields...)
}

func wrong(pointer string, problem core.Text) core.FieldError {
	return core.FieldError{Pointer: pointer, Keyword: "plugin", Message: problem["en"], Texts: problem}
}

func mayGive(who *core.Principal, role string) bool {
	return role == publicRole || who.Kind == core.System.Kind || slices.Contains(who.Roles, role) || slices.Contains(who.Roles, "administrator")
}

// badAddress says what is wrong with an address, nil for one that can be delivered to.
func badAddress(address string, allowHTTP bool) core.Text {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return core.Say("Give a whole address, as https://example.org/hook.", "Donnez une adresse entière, comme https://example.org/hook.")
	case u.User != nil:
		return core.Say("Leave the name and the password out of the address: the signature says who sends.",
			"Retirez de l’adresse le nom et le mot de passe : la signature dit qui envoie.")
	case u.Scheme == "http" && !allowHTTP:
		return core.Say("The address must begin with https. For development, the setting allowHttp of the plugin lets http through.",
			"L’adresse doit commencer par https. Pour développer, le réglage allowHttp de l’extension accepte http.")
	}
	return nil
}
