package webhooks

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
	"github.com/palabre-cms/palabre/core/plugin"
)

// check refuses an endpoint that could not be delivered to, or that would tell more than the one who sets it up may know: it
// reads with the rights of its role, so nobody names a role that is not his own, nor changes an endpoint that has one.
func (w *Webhooks) check(ctx context.Context, e *core.EntryEvent) error {
	var fields []core.FieldError
	address, _ := e.New["url"].(string)
	if problem := badAddress(address, w.settings.Get().AllowHTTP); address != "" && problem != nil {
		fields = append(fields, plugin.FieldIn("/url", problem))
	}
	was, _ := e.Old["role"].(string)
	is, _ := e.New["role"].(string)
	if was != "" && !mayGive(e.Actor, was) || is != "" && !mayGive(e.Actor, is) {
		fields = append(fields, plugin.FieldIn("/role", core.Say("The role must be public, or one of yours.", "Le rôle doit être public, ou l’un des vôtres.")))
	}
	n := w.running.Load()
	if n != nil {
		fields = append(fields, unknownTypes(n.Types(), e)...)
	}
	if len(fields) > 0 {
		return plugin.Reject("webhook", fields[0].Message, fields...)
	}
	if n == nil { // a trial without a node
		return nil
	}
	return n.letThrough(ctx, e)
}

// unknownTypes finds the types that are named and not there; a type that has gone since is in nobody's way.
func unknownTypes(types core.Types, e *core.EntryEvent) (fields []core.FieldError) {
	for _, member := range []string{"events", "types"} {
		stood := jsondoc.Texts(e.Old, member)
		for i, text := range jsondoc.Texts(e.New, member) {
			name, _, _ := strings.Cut(text, ".")
			if _, known := types.Type(core.TypeName(name)); !known && name != "*" && !slices.Contains(stood, text) {
				fields = append(fields, plugin.FieldIn(fmt.Sprintf("/%s/%d", member, i), core.Say("There is no content type %q.", "Il n’y a pas de type de contenu « %s ».", name)))
			}
		}
	}
	return fields
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
