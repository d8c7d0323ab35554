"""How recognition bears head motion, small faces, covered faces, light, pose and appearance."""
