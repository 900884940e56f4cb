package pluginhost

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// settingsSchema is the schema of a plugin's settings, compiled as the type of one document: the same hardening and the same
// messages as for content.
type settingsSchema struct {
	text     map[string]any // as the manifest has it
	typ      *core.Type
	defaults map[string]any
	secrets  secrets
}

// readManifest compiles the schema of the plugin's settings.
func (o *one) readManifest() error {
	if o.settings != nil || len(o.Manifest.Settings) == 0 {
		return nil
	}
	text, err := jsondoc.ParseObject(core.Doc(o.Manifest.Settings))
	if err != nil {
		return fmt.Errorf("plugin %s: the schema of its settings is not JSON: %w", o.id(), err)
	}
	s := &settingsSchema{text: text, defaults: map[string]any{}}
	if s.secrets, err = secretsOf(text); err != nil {
		return fmt.Errorf("plugin %s: %w", o.id(), err)
	}
	properties, _ := text["properties"].(map[string]any)
	for name, p := range properties {
		property, _ := p.(map[string]any)
		if v, ok := property["default"]; ok {
			s.defaults[name] = v
		}
	}
	schema := maps.Clone(text)
	schema["x-type"] = map[string]any{"name": "settings", "slug": false, "public": false}
	if _, ok := schema["title"]; !ok {
		schema["title"] = o.id()
	}
	if s.typ, err = o.host.parts.Compiler.Compile(context.Background(), jsondoc.Encode(schema)); err != nil {
		return fmt.Errorf("plugin %s: the schema of its settings: %w", o.id(), err)
	}
	o.settings = s
	return nil
}

// whole gives the settings of a state with defaults and secrets.
func (o *one) whole(s state) (map[string]any, error) {
	doc := map[string]any{}
	if o.settings != nil {
		doc = jsondoc.CloneObject(o.settings.defaults)
	}
	maps.Copy(doc, jsondoc.CloneObject(s.Settings))
	if s.Sealed == "" {
		return doc, nil
	}
	secrets, err := o.unsealed(s.Sealed)
	if err != nil {
		return nil, err
	}
	if o.settings != nil {
		o.settings.secrets.join(doc, secrets)
	}
	return doc, nil
}

// check finds what is wrong with settings.
func (o *one) check(doc map[string]any) error {
	if o.settings == nil {
		if len(doc) > 0 {
			return core.Refuse(core.CodeInvalid, "", "The plugin %s has no settings.", "L’extension %s n’a pas de réglages.", o.id())
		}
		return nil
	}
	if wrong := o.settings.typ.Validator.Validate(doc); len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	for _, setUp := range o.SetUp {
		if _, err := setUp(settingsText(doc)); err != nil {
			return unfit(err)
		}
	}
	return nil
}

// unfit is what a plugin says against settings, in its own words.
func unfit(err error) error {
	if e, ok := core.AsError(err); ok {
		return e
	}
	return core.Refuse(core.CodeInvalid, "settings", "%s", "%s", err.Error())
}

// fits asks the plugin whether changed settings fit the site.
func (o *one) fits(ctx context.Context, by *core.Principal, was, is map[string]any) error {
	for _, fits := range o.Fits {
		var err error
		if fault := o.guarded("settings", func() error { err = fits(ctx, o, by, settingsText(was), settingsText(is)); return faultOnly(err) }); fault != nil && err == nil {
			return o.failed(fault)
		}
		if err != nil {
			return unfit(err)
		}
	}
	return nil
}

// setUp gives the plugin its settings, when all of it agrees.
func (o *one) setUp(s state) error {
	doc, err := o.whole(s)
	if err != nil {
		return err
	}
	if err := o.check(doc); err != nil {
		return fmt.Errorf("its settings do not fit: %w", err)
	}
	for _, setUp := range o.SetUp {
		use, err := setUp(settingsText(doc))
		if err != nil {
			return err
		}
		use()
	}
	return nil
}

// edit lays somebody's JSON Merge Patch over settings, secrets among them: null takes a secret away, and one that is not named,
// or named as it is shown, stays.
func (o *one) edit(ctx context.Context, by *core.Principal, s *state, patch map[string]any) error {
	was, err := o.whole(*s)
	if err != nil { // secrets that cannot be read any more, as after a restore: they are given anew
		s.Sealed = ""
		was, err = o.whole(*s)
		if err != nil {
			return err
		}
	}
	if o.settings != nil {
		patch = o.settings.secrets.meant(patch)
	}
	next := jsondoc.Merge(was, patch)
	if err := o.check(next); err != nil {
		return err
	}
	if err := o.fits(ctx, by, was, next); err != nil {
		return err
	}
	if o.settings == nil {
		s.Settings = next
		return nil
	}
	return o.keep(s, next, patch)
}

// keep puts changed settings into a state, the secrets sealed, and with them what was sealed before and is not of these settings.
func (o *one) keep(s *state, next, patch map[string]any) error {
	plain, secret := o.settings.secrets.split(next)
	if s.Sealed != "" {
		sealed, err := o.unsealed(s.Sealed)
		if err != nil {
			return err
		}
		secret = jsondoc.Merge(o.settings.secrets.rest(sealed, patch), secret)
	}
	s.Settings, s.Sealed = plain, ""
	if len(secret) == 0 {
		return nil
	}
	var err error
	s.Sealed, err = o.Seal(jsondoc.Encode(secret))
	return err
}

// shown are the settings as anybody may see them who may see settings: a secret is {"set": true}.
func (o *one) shown(s state) map[string]any {
	doc, err := o.whole(s)
	if err != nil {
		doc, _ = o.whole(state{Settings: s.Settings})
	}
	if o.settings == nil {
		return map[string]any{}
	}
	o.settings.secrets.hide(doc)
	return doc
}

// Seal implements plugin.Host: AES-256-GCM (NIST SP 800-38D), bound to the plugin that the secret is of.
func (o *one) Seal(secret []byte) (string, error) {
	box, err := o.host.box()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return base64.StdEncoding.EncodeToString(box.Seal(nonce, nonce, secret, []byte(o.id()))), nil
}

// Unseal implements plugin.Host.
func (o *one) Unseal(sealed string) ([]byte, error) {
	box, err := o.host.box()
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < box.NonceSize() {
		return nil, errUnreadable
	}
	secret, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], []byte(o.id()))
	if err != nil {
		return nil, errUnreadable
	}
	return secret, nil
}

// unsealed are the secrets among a plugin's settings.
func (o *one) unsealed(sealed string) (map[string]any, error) {
	text, err := o.Unseal(sealed)
	if err != nil {
		return nil, err
	}
	var secrets map[string]any
	return secrets, json.Unmarshal(text, &secrets)
}

var errUnreadable = core.Refuse(core.CodeConflict, "sealed", "Secrets cannot be read here that were sealed elsewhere, as after a restore: give them again.",
	"Des secrets scellés ailleurs ne sont pas lisibles ici, comme après une restauration : saisissez-les à nouveau.")

func (h *Host) box() (cipher.AEAD, error) {
	block, err := aes.NewCipher(h.parts.Key)
	if err != nil {
		return nil, core.Wrap("pluginhost.seal", err)
	}
	return cipher.NewGCM(block)
}
