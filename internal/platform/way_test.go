package platform_test

import (
	"strings"
	"testing"

	"github.com/jeton-io/jeton/internal/jose"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// TestAlgorithms logs ann in by each algorithm, at both doors, by a key that the platform has and by one that is made here.
func TestAlgorithms(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.RS512, jose.RS384, jose.RS256, jose.HS512, jose.HS384, jose.HS256, jose.ES256, jose.EdDSA} {
		t.Run(string(alg), func(t *testing.T) {
			d := newDesk(t)
			p := d.partner(t, alg, nil)
			for _, header := range []jose.Header{{}, {Type: "JWT"}, {Type: "jwt", KeyID: p.key.ID.String()}} {
				proof := d.want(t, p, false, p.sign(t, header, d.plain(nil)), "")
				if proof.ID != p.ID || proof.UserID != d.ann.ID || proof.Remember || proof.Limits != nil || proof.NotAfter != d.clock().Add(60e9) {
					t.Errorf("got the proof %+v", proof)
				}
				d.want(t, p, true, p.sign(t, header, d.full(p, nil)), "")
			}
		})
	}
}
