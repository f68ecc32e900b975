/**
  The attributes of one derivation as plain data, for `nivis shell` to set up what its builder would see.

  # Inputs
  `root`: the project's folder. `extra`: see project.nix. `experiment` and `step` (or "checks.NAME (test)"): names, or
  both null for the development shell.

  # Type
  recipe :: { root :: Path, extra :: Null | String, experiment :: Null | String, step :: Null | String } -> {
    drv :: String, inputs :: [String], attributes :: AttrSet
  }, or null for an instance that is not known
*/
{
  root,
  extra ? null,
  experiment ? null,
  step ? null,
}:
let
  project = import ./project.nix { inherit root extra; deferred = true; };
  derivation = if step == null then project.shell else project.experiments.${experiment}.recipes.${step} or null;
  isDerivation = path: builtins.match ".*\\.drv" path != null;
in
if derivation == null then
  null
else
  {
    drv = builtins.unsafeDiscardStringContext derivation.drvPath;
    inputs = builtins.filter isDerivation (builtins.attrNames (builtins.getContext (builtins.toJSON derivation.drvAttrs)));
    attributes = builtins.removeAttrs derivation.drvAttrs [
      "outputs"
      "stdenv"
    ];
  }
