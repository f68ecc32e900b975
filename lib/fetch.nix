/**
  One file from the network, pinned by its sha256.

  Without a URL (a lock made with `urls = false`) the file has to be in the store already, where
  `nivis` puts it; then this evaluates to the same store path, since a fixed output's path follows
  from its name and hash.

  # Inputs
  `name`: of the store path. `sha256`: hexadecimal. `url`: or null.

  # Type
  fetch :: { name :: String, sha256 :: String, url :: Null | String } -> Derivation
*/
{
  name,
  sha256,
  url ? null,
}:
if url == null then
  import ./given.nix { inherit name sha256; }
else
  derivation {
    inherit name url;
    system = "builtin";
    builder = "builtin:fetchurl";
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = sha256;
    preferLocalBuild = true;
    # The user's proxy may be needed to reach the mirror; the hash keeps it harmless.
    impureEnvVars = [
      "http_proxy"
      "https_proxy"
      "ftp_proxy"
      "all_proxy"
      "no_proxy"
    ];
    unpack = false;
    executable = false;
  }
