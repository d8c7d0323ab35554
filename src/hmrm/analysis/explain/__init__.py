"""Why a movement has its class: regions, likely action units, a sentence, a counterfactual."""
