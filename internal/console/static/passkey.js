// Passkeys: the browser makes them and answers by them, when the button of a form is pressed. The form takes the answer along.
"use strict";

function usePasskeys(form) {
  const options = JSON.parse(form.dataset.options).publicKey;
  const making = form.dataset.passkey === "create";
  const parse = making ? PublicKeyCredential.parseCreationOptionsFromJSON : PublicKeyCredential.parseRequestOptionsFromJSON;
  const failed = form.querySelector("[role=alert]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    try {
      const asked = { publicKey: parse.call(PublicKeyCredential, options) };
      const answer = await (making ? navigator.credentials.create(asked) : navigator.credentials.get(asked));
      form.elements.passkey.value = JSON.stringify(answer);
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
}

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  document.querySelectorAll("form[data-passkey]").forEach(usePasskeys);
  document.querySelectorAll("[data-without-passkeys]").forEach((text) => { text.hidden = true; });
}
